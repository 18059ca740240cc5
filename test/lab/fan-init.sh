#!/bin/bash
# pid 1 of the fan: one sshd for each address in FAN_DIR/addresses, all in this machine's file system.
set -e
hostname fan
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/sshd
mount --bind "$FAN_DIR/etc-ssh" /etc/ssh
mount -t proc proc /proc
mapfile -t addresses < "$FAN_DIR/addresses"
# The home folder of root last: the lines above may read from below it.
mount --bind "$FAN_DIR/root" /root
for address in "${addresses[@]}"; do /usr/sbin/sshd -o "ListenAddress=$address"; done
echo "the fan is up"
while :; do sleep 3600 & wait $!; done
