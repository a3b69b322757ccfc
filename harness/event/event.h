// What a line of events.jsonl is: an object with "type", "seq" and "at" (the controller's clock,
// RFC 3339), with "case" and "trial" while a trial runs, "node" where one node is meant, and the
// fields of its type below. Facts that a node stated itself carry its own clock and boot:
// "wall_us", "mono_us" (microseconds, integers) and "boot_id".
//
// Steps, states, probes and everything the harness itself did have the controller's clock.
// `node.facts` links the two. A reader passes over types and fields that it does not know.
#pragma once

#include <string_view>

namespace harness::event::type {

// The run. node.dirty {reason}: a node could not be healed.
inline constexpr std::string_view kRunStarted = "run.started";    // tool, seed, suite
inline constexpr std::string_view kRunFinished = "run.finished";  // -
inline constexpr std::string_view kCaseStarted = "case.started";  // name
inline constexpr std::string_view kNodeDirty = "node.dirty";      // reason

// A trial. started {path: [from, to], fault, params, window, offset, offset_us, target, expect,
// nodes: [{name, address}] of the inventory,
// budget: {servers_down, apiserver_outage_us, recovery_us}}. finished {complete: every phase ran,
// interrupted, reason}.
inline constexpr std::string_view kTrialStarted = "trial.started";
inline constexpr std::string_view kTrialFinished = "trial.finished";

// {step: baseline | arm | install | restart | settle | heal, node}; finished adds {ok, error,
// duration_us, and for restart: job_result: done | lost | timed-out (by our deadline) | systemd's
// word for a job that did not succeed (failed, timeout, dependency, ...), exit_status}. What comes
// before `arm` belongs to the baseline.
inline constexpr std::string_view kStepStarted = "step.started";
inline constexpr std::string_view kStepFinished = "step.finished";

// Facts of a node. journal {invocation, ident, line, seqnum, seqnum_id}, manifest {op: written |
// removed, file, uid}, container {op: started | exited, pod, pod_name, static_pod, kind: container
// | sandbox, id, pod_uid, initial}, process {op: started | exited, name: rke2 | containerd |
// kubelet, pid, initial}, unit {active, sub, result, invocation, n_restarts, initial}, tcp {port,
// state: answers | refuses, initial} and http {url, status: 0 for no answer, initial} where a
// window names them, clock {}, and fault: the guard's record {id, fault, params, state, outcome:
// applied | missed | expired, reason, invocation, opened, seen, begun, effect: {wall_us, mono_us},
// evidence: {summary, container, boot_id_before, ...}}.
inline constexpr std::string_view kJournal = "journal";
inline constexpr std::string_view kManifest = "manifest";
inline constexpr std::string_view kContainer = "container";
inline constexpr std::string_view kProcess = "process";
inline constexpr std::string_view kUnit = "unit";
inline constexpr std::string_view kTcp = "tcp";
inline constexpr std::string_view kHttp = "http";
inline constexpr std::string_view kClock = "clock";
inline constexpr std::string_view kFault = "fault";

// What a node could not see of itself, {line: what failed, on what, and what to do}, each once per
// stream. From then on the absence of such facts says nothing: journal lines that could not be read
// or were rotated away first; containers; the processes rke2, containerd and kubelet.
inline constexpr std::string_view kJournalProblem = "journal-problem";
inline constexpr std::string_view kContainerProblem = "container-problem";
inline constexpr std::string_view kProcessProblem = "process-problem";

// {boot_id, clock_offset_us: node minus controller, clock_error_us}
inline constexpr std::string_view kNodeFacts = "node.facts";
// {window, op: opened | closed, invocation, cut: closed by the invocation's end, marker}
inline constexpr std::string_view kWindow = "window";
// {probe: readyz | livez | etcd-health | etcd-status, outcome: ok | not-ok | timeout | refused |
// unreachable | wrong-process, status, latency_us, detail when it changed}; "wall_us" is the
// controller's.
inline constexpr std::string_view kProbe = "probe";
// kubelet holds a container back: {pod, container, uid, seconds, line}; when that changes.
// "wall_us" is the controller's, at reading.
inline constexpr std::string_view kBackOff = "back-off";

// Photographs, {phase: before | after}; one that could not be taken carries {error}.
inline constexpr std::string_view kStaticPods = "state.static-pods";
inline constexpr std::string_view kEtcd = "state.etcd";
inline constexpr std::string_view kNodes = "state.nodes";
inline constexpr std::string_view kBuild = "state.build";
inline constexpr std::string_view kUnitState = "state.unit";
inline constexpr std::string_view kRestarts = "state.restarts";
inline constexpr std::string_view kClean = "state.clean";

}  // namespace harness::event::type
