#!/bin/sh
# Removes the stand-in for rke2 (hookshot lab, not the product) and everything that it made on this node.
[ "$(id -u)" -eq 0 ] || { echo "rke2-uninstall.sh: must be run as root" >&2; exit 1; }

DATA_DIR=${RKE2_DATA_DIR:-/var/lib/rancher/rke2}
PREFIX=/usr/local

"${PREFIX}/bin/rke2-killall.sh"
for unit in rke2-server rke2-agent; do
  systemctl disable "${unit}.service" > /dev/null 2>&1
  systemctl reset-failed "${unit}.service" > /dev/null 2>&1
  rm -f "/etc/systemd/system/${unit}.service" "${PREFIX}/lib/systemd/system/${unit}.service" \
    "${PREFIX}/lib/systemd/system/${unit}.env"
done
systemctl daemon-reload
rm -f "${PREFIX}/bin/rke2" "${PREFIX}/bin/rke2-killall.sh"
rm -rf "${PREFIX}/share/rke2" /etc/rancher/rke2 /etc/rancher/node /etc/cni /opt/cni/bin /var/lib/kubelet "${DATA_DIR}"
rmdir /etc/rancher /var/lib/rancher 2> /dev/null
rm -f "${PREFIX}/bin/rke2-uninstall.sh"
exit 0
