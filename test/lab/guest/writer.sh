#!/bin/sh
# Appends a counter and the uptime to /data/seq every 20 ms, synced: what tests count to see that nothing was lost.
i=$(tail -n 1 /data/seq 2>/dev/null | cut -d' ' -f1); i=${i:-0}
while :; do
  i=$((i + 1)); echo "$i $(cut -d' ' -f1 /proc/uptime)" >> /data/seq; sync; usleep 20000 2>/dev/null || sleep 0.02
done
