// fill-disk: leaves no space on a filesystem of the node, by one file without a name.

#include "harness/fault/parameters.h"

namespace {

using harness::Json;
using harness::fault::Fault;
using harness::fault::Params;

const harness::fault::FaultRegistration kRegistration{{
    .name = "fill-disk",
    .summary = "Fill a filesystem of the node",
    .params = {harness::fault::choice(
                   "what",
                   "etcd",
                   {"etcd", "images", "logs"},
                   "the filesystem of etcd's database, of containerd's images, or of /var/log"),
               harness::fault::integer("keep-free", "0", "MB", "space that is left free", 0, 256),
               harness::fault::hold_parameter("30s")},
    .mechanism = "one file without a name, set aside with fallocate and held open by the trigger",
    .blast_radius =
        "all that writes there. It costs a voter whatever is filled, as etcd is on the same "
        "filesystem unless it was given one of its own",
    .rke2_itself =
        "nothing: kubelet deletes images that are not used and can evict pods; an etcd that "
        "cannot write ends, and kubelet starts it again",
    .survives_reboot = "nothing: a file without a name ends with its holder",
    .undo = "the file is let go, when the time, the lease or the record's timer is over; read back "
            "that nobody holds it. The kernel gives the space back when its holder ends, whatever "
            "ends it, and at a reboot",
    .evidence = "a write of the guard's own that ends in ENOSPC",
    .notes =
        "The root filesystem, and one that is the node's only in part, need --allow-root-fill. "
        "kubelet may\n"
        "evict pods when a filesystem is full: that is then part of the fault.",
    .make = [](const Params& params) -> Fault {
      Fault fault;
      fault.action = Json{{"do", "fill"},
                          {"what", params.at("what")},
                          {"keep_free_mb", harness::fault::number(params, "keep-free")},
                          {"hold_ms", harness::fault::hold_ms(params)}};
      // By default RKE2 has etcd's database on the filesystem of the images and of /var/log.
      fault.needs = harness::fault::needs_of_node();
      fault.needs.fills_disk = true;
      return fault;
    },
}};

}  // namespace
