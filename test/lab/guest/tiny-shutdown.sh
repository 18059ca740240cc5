#!/bin/sh
# Called by the agent and by the power button.
sync
umount /data 2>/dev/null || mount -o remount,ro /data 2>/dev/null
case "$*" in *-r*) reboot -f ;; *-H*) halt -f ;; *) poweroff -f ;; esac
