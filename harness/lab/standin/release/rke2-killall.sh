#!/bin/sh
# Really stops the stand-in for rke2 (hookshot lab, not the product): units, shims, pods, mounts and links.
# A stop of the unit alone leaves the pods running.
[ "$(id -u)" -eq 0 ] || { echo "rke2-killall.sh: must be run as root" >&2; exit 1; }

DATA_DIR=${RKE2_DATA_DIR:-/var/lib/rancher/rke2}

# A pid and everything below it, deepest last.
tree() {
  for pid in "$@"; do
    echo "${pid}"
    # shellcheck disable=SC2046  # one word per child is wanted
    tree $(ps --no-headers -o pid --ppid "${pid}")
  done
}

shims() {
  ps -e -o pid= -o args= | awk -v bin="${DATA_DIR}/data/" \
    '$2 ~ "containerd-shim" && (index($2, bin) == 1 || index($0, "-address /run/k3s/containerd/")) { print $1 }'
}

kill_shims() {
  # shellcheck disable=SC2046
  pids=$(tree $(shims))
  # shellcheck disable=SC2086
  [ -z "${pids}" ] || kill -9 ${pids} 2> /dev/null
}

unmount_and_remove() {
  awk -v path="$1" 'index($2, path) == 1 { print $2 }' /proc/self/mounts | sort -r |
    while read -r mount; do umount -f "${mount}" 2> /dev/null || umount -l "${mount}"; done
  case "$1" in
    /run/netns/cni-) for name in /run/netns/cni-*; do [ -e "${name}" ] && ip netns delete "${name##*/}"; done ;;
    *) rm -rf "$1" ;;
  esac
}

remove_links() {
  ip -o link show 2> /dev/null | awk -F': ' '/master cni0/ { sub(/@.*/, "", $2); print $2 }' |
    while read -r link; do ip link delete "${link}"; done
  for link in cni0 flannel.1 vxlan.calico; do ip link show "${link}" > /dev/null 2>&1 && ip link delete "${link}"; done
  rm -rf /var/lib/cni
}

systemctl stop rke2-server.service rke2-agent.service 2> /dev/null
kill_shims
unmount_and_remove /run/k3s
unmount_and_remove /var/lib/kubelet/pods
unmount_and_remove /run/netns/cni-
remove_links
rm -rf /var/log/pods /var/log/containers
for name in etcd kube-apiserver kube-controller-manager kube-scheduler cloud-controller-manager kube-proxy; do
  rm -f "${DATA_DIR}/agent/pod-manifests/${name}.yaml"
done
if command -v iptables-save > /dev/null && iptables-save 2> /dev/null | grep -qE 'KUBE-|CNI-'; then
  iptables-save | grep -v -e KUBE- -e CNI- | iptables-restore
fi
exit 0
