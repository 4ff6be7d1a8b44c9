module testamur.example/check

go 1.22
