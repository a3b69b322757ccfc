// From options to a lab whose nodes answer, with RKE2 on them where it is wanted.
#pragma once

#include "harness/lab/lab.h"

namespace harness::lab {

// As lab::up() says; what is not raised whole is taken down again, but for nodes that did not
// become Ready in their time: those are left to be looked at.
Status raise(const UpOptions& options);
// The cached parts alone: images, binaries, releases.
Status make_parts(const UpOptions& options);

}  // namespace harness::lab
