#!/bin/sh
# First process of a container machine: turns the container into a machine, then becomes its init.
#
# It runs confined in the container, so a disk that came from anywhere is only ever written from
# inside. It reads its orders from the boot folder, which the host fills before every start:
#   plugged      appears once the host has given the container its network
#   devices      one line per volume: id, major, minor, node name
#   first-boot   present when the disk is new: give it an identity (seed/, hosts, resolv.conf)
#   fstab        lines to add once, for volumes mounted automatically
#   trust/       the host's own certificate authorities, where it has some
#   apt.conf, pip.conf   how the host reaches its package indexes, where it must be told
set -eu
boot=/localcloud/boot
root=/localcloud/root
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

until [ -e "$boot/plugged" ]; do sleep 0.02; done

# systemd and a nested engine manage control groups of their own below the container's.
grep ' /sys/fs/cgroup' /proc/mounts | while read -r _ target _; do
    mount -o remount,rw,bind "$target"
done

for tree in proc sys dev run; do mkdir -p "$root/$tree"; done
for tree in proc sys dev; do mount --rbind "/$tree" "$root/$tree"; done
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mkdir "$root/run/localcloud"
mount --move "$boot" "$root/run/localcloud"
cd "$root"
pivot_root . .
umount -l .
cd /
boot=/run/localcloud

mkdir -p /dev/disk/by-id /dev/net
[ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229
[ -e /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200
while read -r id major minor node; do
    [ -e "/dev/$node" ] || mknod -m 660 "/dev/$node" b "$major" "$minor"
    ln -sfn "../../$node" "/dev/disk/by-id/scsi-0HC_Volume_$id"
done <"$boot/devices"

if [ -e "$boot/first-boot" ]; then
    rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data \
        /var/lib/cloud/sem /var/lib/cloud/seed /var/lib/systemd/random-seed
    rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id /etc/resolv.conf \
        /etc/hostname /etc/hosts /var/log/cloud-init.log /var/log/cloud-init-output.log
    : >/etc/machine-id
    cp "$boot/resolv.conf" "$boot/hostname" "$boot/hosts" /etc/
    chmod 644 /etc/resolv.conf /etc/hostname /etc/hosts
    if [ -e "$boot/sshd.conf" ]; then
        cp "$boot/sshd.conf" /etc/ssh/sshd_config.d/60-root-password.conf
    fi
    mkdir -p /var/lib/cloud/seed
    cp -r "$boot/seed" /var/lib/cloud/seed/nocloud
    chmod -R go= /var/lib/cloud/seed/nocloud
    rm "$boot/first-boot"
fi

if [ -s "$boot/fstab" ]; then
    while read -r device folder options; do
        mkdir -p "$folder"
        grep -qs "^$device " /etc/fstab || echo "$device $folder $options" >>/etc/fstab
    done <"$boot/fstab"
fi

# What only this host needs to reach its package indexes is laid over the disk, never written to
# it, so that no snapshot carries it. `update-ca-certificates` works on the overlaid folder and
# finds the host's authorities again.
if [ -d "$boot/trust" ]; then
    mkdir -p /usr/local/share/ca-certificates/host /run/localcloud-anchors /run/localcloud-certs
    cp "$boot"/trust/anchors/* /run/localcloud-anchors/
    chmod 644 /run/localcloud-anchors/*
    mount --bind /run/localcloud-anchors /usr/local/share/ca-certificates/host
    cp -a /etc/ssl/certs/. /run/localcloud-certs/
    cp "$boot"/trust/links/* /run/localcloud-certs/
    find /usr/local/share/ca-certificates -name '*.crt' -exec cat {} + \
        >>/run/localcloud-certs/ca-certificates.crt
    chmod -R a+rX /run/localcloud-certs
    mount --bind /run/localcloud-certs /etc/ssl/certs
fi
overlay_file() {
    [ -s "$boot/$1" ] || return 0
    mkdir -p "$(dirname "$2")"
    [ -e "$2" ] || : >"$2"
    cp "$boot/$1" "/run/localcloud-$1"
    chmod 644 "/run/localcloud-$1"
    mount --bind "/run/localcloud-$1" "$2"
}
overlay_file apt.conf /etc/apt/apt.conf.d/99host
overlay_file pip.conf /etc/pip.conf

# In a container systemd leaves devices of /etc/fstab alone; a machine mounts its volumes at boot.
wants=/run/systemd/system/local-fs.target.wants
mkdir -p "$wants"
cat >/run/systemd/system/volumes.service <<'UNIT'
[Unit]
Description=Mount the volumes named in /etc/fstab
DefaultDependencies=no
Before=local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/bin/mount --all --types ext4,xfs
UNIT
ln -s ../volumes.service "$wants/volumes.service"

umount -l "$boot"
rmdir "$boot"
# As on a machine: an unmount reaches the services that have a mount namespace of their own, and so
# lets go of the device.
mount --make-rshared /
exec env -i container=docker PATH="$PATH" \
    SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 /sbin/init
