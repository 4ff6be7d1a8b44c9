// What the clock of the machine here can tell: that it, or another one, is wrong. Which of them is, nobody
// can tell, so nothing is refuted, and nothing holds. testamur/verification/clock.py.
import { Unavailable } from "./errors.mjs";
import { formatTime } from "./submission.mjs";

// How much the clocks of two machines may differ, in seconds.
export const MAX_AHEAD = 5 * 60;

// Times are in Unix milliseconds.
export const isAhead = (milliseconds, now) => milliseconds > now + MAX_AHEAD * 1000;

// Throws `Unavailable` if the time at which `what` is said to have happened is ahead.
export const checkNotAhead = (what, milliseconds, now) => {
  if (isAhead(milliseconds, now)) throw orYourClock(`${what} at ${formatTime(milliseconds)}`, now);
};

// What contradicts the clock here, and what to do about it.
export const orYourClock = (said, now) =>
  new Unavailable(
    `${said}, and the clock here says ${formatTime(now)}: one of the two is wrong; if it is yours, set it and verify again`,
  );
