#!/bin/sh
# mount-fd DEVICE DIRECTORY OPTIONS: mount 9P from a byte pipe, by trans=fd. The kernel's 9P client cannot use a
# virtio port itself, so two fifos and two copying processes stand between. When the other side hangs up, so do they.
device=$1 directory=$2 options=$3 fifo=/run/mount-fd.$$
mkfifo "$fifo.in" "$fifo.out" || exit 1
exec 5<>"$device" || exit 1
cat <&5 >"$fifo.in" &
cat <"$fifo.out" >&5 &
exec 3<"$fifo.in" 4>"$fifo.out"
rm "$fifo.in" "$fifo.out"
exec mount -t 9p -o "trans=fd,rfdno=3,wfdno=4,$options" none "$directory" 5<&-
