#!/bin/busybox sh
# The first process of the guest: load the modules, set the devices up, run /run/main with its output on the second
# serial line between two marks, and power off.
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /mnt /root /etc /usr/bin /sbin
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mkdir -p /dev/pts
/bin/busybox mount -t devpts pts /dev/pts
/bin/busybox --install -s /bin
export PATH=/run/host/bin:/bin:/usr/bin:/sbin HOME=/root TERM=dumb LC_ALL=C
while read -r module; do
    insmod "/modules/$module.ko" || echo "linux-guest: no module $module" >/dev/console
done </modules.order
stty -F /dev/ttyS1 raw -echo 115200
ip link set lo up
if [ -e /run/net ]; then
    # No default route and no resolver: nothing but the network of QEMU can be reached.
    ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0
    tries=10
    until [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ] || [ $tries = 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
fi
for port in /sys/class/virtio-ports/*; do
    [ -e "$port/name" ] && ln -s "${port##*/}" "/dev/pipe-$(cat "$port/name")"
done
[ -e /run/env ] && . /run/env
read -r mark </run/mark
read -r up _ </proc/uptime
echo "$mark begin $up" >/dev/ttyS1
cd /root || exit
setsid sh /run/main </dev/null >/dev/ttyS1 2>&1
status=$?
echo "$mark exit $status" >/dev/ttyS1
sync
sleep 0.1
reboot -f
