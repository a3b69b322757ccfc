// A journal on this machine, in whatever form it was handed over, as a stream of entries of one
// shape. Only what concerns RKE2's units comes out: lines of their own processes, and systemd's
// about them. No other process can speak for a unit, whatever fields it writes: only what PID 1
// says is systemd's.
//
// Forms, told apart by the first bytes: a journal file (what lies in /var/log/journal), `-o json`,
// `-o export`, and text: short, short-precise, short-iso, short-unix, short-monotonic, short-full,
// with months in any language. A compressed file is refused with the command that unpacks it.
//
// Memory does not grow with the input. What cannot be read is counted and passed over, never
// guessed at. `-o json` without `--all` leaves out every message of more than 4096 bytes: those are
// counted too.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/base/result.h"

namespace harness::journal {

struct Entry {
  std::int64_t wall_us = 0;  // 0: the form does not say
  std::int64_t mono_us = 0;  // within a boot; 0: the form does not say
  std::string boot_id;       // without dashes; text has "boot-1", "boot-2", ...
  // Text does not carry it: "run-1", "run-2", ... by systemd's `Starting` lines or, where there are
  // none, by the process.
  std::string invocation;
  std::string unit;   // rke2-server.service, rke2-agent.service; empty where the form leaves it out
  std::string ident;  // rke2, systemd, sh
  std::int64_t pid = 0;
  std::string host;  // that wrote it; empty where the form leaves it out
  std::string message;
  bool without_text = false;  // it had a message, which the form leaves out or nobody could read
};

enum class Form { file, json, exported, text };
std::string_view to_string(Form form);

struct ReadReport {
  Form form = Form::text;
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;       // handed over
  std::uint64_t unreadable = 0;    // records or lines that contradict the form
  std::uint64_t without_text = 0;  // handed over without their message
  // Where the first unreadable one is, from 1: the entry of a file, the line of JSON, the record of
  // an export. Text, of which other lines count as unreadable too, has no place.
  std::uint64_t first_unreadable = 0;
  bool cut = false;  // nothing that follows the last unreadable one could be reached
};

// How many entries may be missing, where, and what to do; empty when none is. Of text nothing can
// be said: what is no line of a process counts as unreadable there.
std::string missing(const ReadReport& report);

// `lost` is called, in the order of the journal, where an entry of RKE2 may have been that could
// not be read; never for text. Errors: invalid_input when the file is not there, empty, or in no
// known form.
Result<ReadReport> read(const std::string& path,
                        const std::function<void(const Entry&)>& take,
                        const std::function<void()>& lost = {});

}  // namespace harness::journal
