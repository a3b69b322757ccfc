// What the trigger tells systemd of itself: a datagram each, which no step waits for.
#pragma once

#include <chrono>

namespace harness::guard {

// The wait for the moment has begun.
void notify_ready();

// systemd ends this service `after` from now, as one that failed: its OnFailure then takes back
// what this process did and hangs over. Said again, it counts from then; one that ends by itself
// before is not touched. Says nothing where systemd did not start this process.
void notify_end_after(std::chrono::milliseconds after);

}  // namespace harness::guard
