#!/bin/sh
# Installs the stand-in for rke2 (hookshot lab, not the product) from a directory of release artifacts.
#
#   INSTALL_RKE2_ARTIFACT_PATH      directory with rke2.linux-amd64.tar.gz, sha256sum-amd64.txt and, optionally,
#                                   rke2-images.linux-amd64.tar.zst or .tar.gz (required: there is no download)
#   INSTALL_RKE2_TYPE               server (default) or agent
#   INSTALL_RKE2_TAR_PREFIX         where to unpack, default /usr/local, or /opt/rke2 when that is read-only or a mount
#   INSTALL_RKE2_AGENT_IMAGES_DIR   where image archives go, default /var/lib/rancher/rke2/agent/images
#   INSTALL_RKE2_SKIP_RELOAD        when set, systemd is not told to re-read its units
#
# Nothing is enabled or started: that is the operator's step.
set -e
[ "${DEBUG}" = 1 ] && set -x

info() { echo "[INFO] " "$@"; }
warn() { echo "[WARN] " "$@" >&2; }
fatal() { echo "[ERROR] " "$@" >&2; exit 1; }

DEFAULT_PREFIX=/usr/local

writable() { touch "$1/.rke2-ro-test" 2> /dev/null && rm -f "$1/.rke2-ro-test"; }

check_environment() {
  [ "$(id -u)" -eq 0 ] || fatal "You need to be root to perform this install"
  case "$(uname -m)" in
    x86_64 | amd64) ARCH=amd64 ;;
    *) fatal "unsupported architecture $(uname -m)" ;;
  esac
  TYPE=${INSTALL_RKE2_TYPE:-${INSTALL_RKE2_EXEC:-server}}
  case "${TYPE}" in
    server | agent) ;;
    *) fatal "Invalid INSTALL_RKE2_TYPE '${TYPE}', it is server or agent" ;;
  esac
  case "${INSTALL_RKE2_METHOD:-tar}" in
    tar) ;;
    *) fatal "the stand-in installs by tarball only, not by '${INSTALL_RKE2_METHOD}'" ;;
  esac
  for given in ${INSTALL_RKE2_VERSION:+INSTALL_RKE2_VERSION} ${INSTALL_RKE2_CHANNEL:+INSTALL_RKE2_CHANNEL} \
    ${INSTALL_RKE2_COMMIT:+INSTALL_RKE2_COMMIT}; do
    warn "${given} is not heeded: what is in INSTALL_RKE2_ARTIFACT_PATH is installed"
  done
  PREFIX=${INSTALL_RKE2_TAR_PREFIX:-${DEFAULT_PREFIX}}
  if [ -z "${INSTALL_RKE2_TAR_PREFIX}" ] && { mountpoint -q "${PREFIX}" || ! writable "${PREFIX}"; }; then
    PREFIX=/opt/rke2
    warn "${DEFAULT_PREFIX} is read-only or a mount point; installing to ${PREFIX}"
  fi
  IMAGES=${INSTALL_RKE2_AGENT_IMAGES_DIR:-/var/lib/rancher/rke2/agent/images}
  ARTIFACTS=${INSTALL_RKE2_ARTIFACT_PATH}
  [ -n "${ARTIFACTS}" ] || fatal "the stand-in has nothing to download: set INSTALL_RKE2_ARTIFACT_PATH"
  TARBALL="${ARTIFACTS}/rke2.linux-${ARCH}.tar.gz"
  CHECKSUMS="${ARTIFACTS}/sha256sum-${ARCH}.txt"
  [ -f "${CHECKSUMS}" ] || fatal "sha256sum-${ARCH}.txt is not in ${ARTIFACTS}"
  [ -f "${TARBALL}" ] || fatal "rke2.linux-${ARCH}.tar.gz is not in ${ARTIFACTS}"
  ARCHIVE=
  for format in zst gz; do
    if [ -f "${ARTIFACTS}/rke2-images.linux-${ARCH}.tar.${format}" ]; then
      ARCHIVE="${ARTIFACTS}/rke2-images.linux-${ARCH}.tar.${format}"
      break
    fi
  done
}

# The file's line must be there and match; a file that nobody signed for is refused.
verify() {
  wanted=$(awk -v name="${1##*/}" '{ sub(/^\*/, "", $2); if ($2 == name) { print $1; exit } }' "${CHECKSUMS}")
  [ -n "${wanted}" ] || fatal "${1##*/} has no line in ${CHECKSUMS}"
  found=$(sha256sum "$1" | cut -d ' ' -f 1)
  [ "${wanted}" = "${found}" ] || fatal "download sha256 does not match ${wanted}, got ${found}"
}

# Everything is verified before anything is touched.
verify_all() {
  info "staging local checksums from ${CHECKSUMS}"
  info "staging tarball from ${TARBALL}"
  info "verifying tarball"
  verify "${TARBALL}"
  [ -n "${ARCHIVE}" ] || return 0
  case "${ARCHIVE}" in
    *.zst) info "staging zst airgap image tarball from ${ARCHIVE}" ;;
    *) info "staging gzip airgap image tarball from ${ARCHIVE}" ;;
  esac
  info "verifying airgap tarball"
  verify "${ARCHIVE}"
}

install_tarball() {
  info "unpacking tarball file to ${PREFIX}"
  mkdir -p "${PREFIX}"
  tar xzf "${TARBALL}" -C "${PREFIX}" --no-same-owner
  [ "${PREFIX}" = /usr/local ] && return
  info "updating tarball contents to reflect install path"
  for unit in server agent; do
    sed -i "s|/usr/local|${PREFIX}|g" "${PREFIX}/lib/systemd/system/rke2-${unit}.service"
  done
  sed -i "s|/usr/local|${PREFIX}|g" "${PREFIX}/bin/rke2-uninstall.sh" "${PREFIX}/bin/rke2-killall.sh"
  info "moving systemd units to /etc/systemd/system"
  mv -f "${PREFIX}"/lib/systemd/system/rke2-*.service /etc/systemd/system/
}

install_images() {
  [ -n "${ARCHIVE}" ] || return 0
  mkdir -p "${IMAGES}"
  name=${ARCHIVE##*/}
  case "${ARCHIVE}" in
    *.zst)
      info "installing airgap tarball to ${IMAGES}"
      cp -f "${ARCHIVE}" "${IMAGES}/.${name}.new"
      ;;
    *)
      info "decompressing airgap tarball to ${IMAGES}"
      gzip -dc "${ARCHIVE}" > "${IMAGES}/.${name}.new"
      name=${name%.gz}
      ;;
  esac
  mv -f "${IMAGES}/.${ARCHIVE##*/}.new" "${IMAGES}/${name}"
}

reload() {
  [ -n "${INSTALL_RKE2_SKIP_RELOAD}" ] && return
  command -v systemctl > /dev/null || return 0
  systemctl daemon-reload
}

check_environment
verify_all
install_tarball
install_images
reload
