#!/bin/sh
# Makes the bucket of the published log in SeaweedFS, and lets it acknowledge only what is on the
# device. May run again at any time. MASTER and FILER are host:port.port-of-gRPC; WEED is the program.
set -eu
bucket=testamur

ask() {
    printf '%s\n' "$1" | "${WEED:-weed}" shell -master="$MASTER" -filer="$FILER"
}

# The filer registers with the master a moment after both answer.
tries=0
until ask "s3.bucket.list" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "the object store did not answer within a minute" >&2; exit 1; }
    sleep 1
done
ask "s3.bucket.list" | grep -Eq "^[[:space:]]*$bucket([[:space:]]|$)" || ask "s3.bucket.create -name $bucket" >/dev/null
ask "fs.configure -locationPrefix=/buckets/$bucket/ -fsync=true -apply" >/dev/null
ask "fs.configure" | grep -Eq '"fsync": +true' || { echo "the object store does not sync" >&2; exit 1; }
echo "bucket $bucket is there, and syncs"
