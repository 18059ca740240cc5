#!/bin/busybox sh
# /init of the tiny guest, and the first stage of the Debian one (root= on the kernel command line).
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /run; mount -t devpts pts /dev/pts
while read -r m; do insmod "/lib/modules/$m" 2>/dev/null; done < /lib/modules/order
for w in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/vda ] && break; usleep 100000; done
for o in $(cat /proc/cmdline); do case $o in ip=*) IP=${o#ip=};; gw=*) GW=${o#gw=};; name=*) NAME=${o#name=};; root=*) ROOT=${o#root=};; esac; done
if [ -n "$ROOT" ]; then
  mount -t ext4 "$ROOT" /newroot && for d in dev proc sys; do mount -o move /$d /newroot/$d; done && exec switch_root /newroot /sbin/init
fi
hostname "${NAME:-tiny}"
ip link set lo up
[ -n "$IP" ] && ip addr add "$IP" dev eth0 && ip link set eth0 up && ip route add default via "$GW"
mount -t ext4 -o discard /dev/vda /data 2>/dev/null && echo "booted $(date -u +%FT%TZ)" >> /data/boots
for p in /dev/vport*; do mkdir -p /dev/virtio-ports; ln -sf "$p" "/dev/virtio-ports/$(cat "/sys/class/virtio-ports/${p##*/}/name")"; done
dropbear -R -s -p 22 2>/dev/null
httpd -p 80 -h /www
acpid 2>/dev/null &
# Last: tests take an answering agent for a guest that is up.
qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run -F/etc/qemu/fsfreeze-hook
echo "guest is up after $(cut -d' ' -f1 /proc/uptime) s"
exec sh -c 'while :; do setsid cttyhack sh; sleep 1; done'
