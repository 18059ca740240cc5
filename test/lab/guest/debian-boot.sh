#!/bin/sh
# Run once by busybox init of the Debian guest.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -o remount,rw /
mount -t tmpfs -o mode=755 run /run; mkdir -p /run/lock
mkdir -p /dev/pts; mount -t devpts pts /dev/pts 2>/dev/null
for o in $(cat /proc/cmdline); do case $o in ip=*) IP=${o#ip=};; gw=*) GW=${o#gw=};; name=*) NAME=${o#name=};; esac; done
hostname "${NAME:-debian}"
ip link set lo up
[ -n "$IP" ] && ip addr add "$IP" dev eth0 && ip link set eth0 up && ip route add default via "$GW"
for p in /dev/vport*; do mkdir -p /dev/virtio-ports; ln -sf "$p" "/dev/virtio-ports/$(cat "/sys/class/virtio-ports/${p##*/}/name")"; done
dropbear -R -s -p 22
busybox httpd -p 80 -h /www
busybox acpid
# Last: tests take an answering agent for a guest that is up.
qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run -F/etc/qemu/fsfreeze-hook
echo "guest is up after $(cut -d' ' -f1 /proc/uptime) s" > /dev/console
