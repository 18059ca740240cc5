#!/bin/sh
# Called by the agent and by the power button.
sync
mount -o remount,ro / 2>/dev/null
case "$*" in *-r*) busybox reboot ;; *-H*) busybox halt ;; *) busybox poweroff ;; esac
