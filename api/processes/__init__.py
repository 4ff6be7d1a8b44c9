"""The publisher and the follower in processes of their own, and who waits for or hears of them."""
