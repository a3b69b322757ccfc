// The part of the benchmark that runs on the node: a static program, uploaded for one run.
//
//   logger   run by rke2-agent.service; writes its lines when told by the FIFO `go`, answers by
//            the FIFO `back`
//   strike   reads a pid, stamps CLOCK_MONOTONIC, sends SIGKILL, prints the stamp in microseconds
//   wait     what runs in the container that is killed by `ctr`; ends by itself after five minutes
//   serve    one JSON request per line in, one answer with the same "seq" per line out: {"op":
//            setup | victim | container | begin | probe | loop | go | end | usage | machine}; an
//            answer with "error" is a failure. The end of its input takes away all that it made
#pragma once

#include <string_view>

namespace harness::bench {

inline constexpr std::string_view kProgram = "/var/lib/hookshot-bench/node";
inline constexpr std::string_view kProgramDir = "/var/lib/hookshot-bench";
inline constexpr std::string_view kRunDir = "/run/hookshot-bench";
// The guard takes no other unit names. A unit in /run hides an installed one until it is removed.
inline constexpr std::string_view kUnit = "rke2-agent.service";
// The unit that `serve` runs as. The guard believes in a container when its process's cgroup bears
// the container's id, so the victim's container is called like this too.
inline constexpr std::string_view kVictim = "hookshot-bench-victim";
// As kubelet names a static pod: by the hash of its manifest.
inline constexpr std::string_view kVictimPodUid = "b01dface00c0ffee00c0ffee00c0ffee";
// The component whose container the victim stands for: the newest one is taken by the guard.
inline constexpr std::string_view kPod = "kube-scheduler";

int run_logger();
int run_strike();
int run_wait();
int run_serve();

}  // namespace harness::bench
