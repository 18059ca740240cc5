#!/bin/bash
# pid 1 of a lab host. HOST_DIR: its private folders; HOST_NAME; HOST_KIND: hypervisor or proxy.
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
hostname "$HOST_NAME"
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/sshd /run/lock
mount --bind "$HOST_DIR/etc-ssh" /etc/ssh
for f in hosts nsswitch.conf passwd group; do mount --bind "$HOST_DIR/etc/$f" "/etc/$f"; done
if [ "$HOST_KIND" = hypervisor ]; then
  mkdir -p /run/libvirt
  mount --bind "$HOST_DIR/run" /run/libvirt
  mount --bind "$HOST_DIR/etc-libvirt" /etc/libvirt
  mount --bind "$SHARED_DIR" "$HOST_DIR/var-lib/libvirt/shared"
  mount --bind -o ro "$BOOT_DIR" "$HOST_DIR/var-lib/libvirt/boot"
  mount -t tmpfs -o size=64m,mode=755 small "$HOST_DIR/var-lib/libvirt/small"
fi
# Own groups of control: cgroup 2 wants processes in a leaf before controllers can be handed down.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  umount -l /sys/fs/cgroup
  mount -t cgroup2 cgroup /sys/fs/cgroup
  mkdir -p /sys/fs/cgroup/init
  echo 1 > /sys/fs/cgroup/init/cgroup.procs
  for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$c" > /sys/fs/cgroup/cgroup.subtree_control || true; done
else
  umount -l /sys/fs/cgroup || true
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for c in cpu cpuacct cpuset memory blkio devices pids freezer; do
    mkdir "/sys/fs/cgroup/$c"
    mount -t cgroup -o $c cgroup "/sys/fs/cgroup/$c" 2>/dev/null || rmdir "/sys/fs/cgroup/$c"
  done
fi
mount -t proc proc /proc
# Last, for they hide what the lines above may read.
mount --bind "$HOST_DIR/var-log" /var/log
mount --bind "$HOST_DIR/var-cache" /var/cache
mount --rbind "$HOST_DIR/var-lib" /var/lib
mount --bind "$HOST_DIR/root" /root
if [ "$HOST_KIND" = hypervisor ]; then
  /usr/sbin/virtlogd -d -f /etc/libvirt/virtlogd.conf -p /run/libvirt/virtlogd.pid
  /usr/sbin/libvirtd -d -f /etc/libvirt/libvirtd.conf -p /run/libvirt/libvirtd.pid
fi
/usr/sbin/sshd -f /etc/ssh/sshd_config
echo "$HOST_NAME is up"
# bash, for it collects the orphans that land on pid 1.
while :; do sleep 3600 & wait $!; done
