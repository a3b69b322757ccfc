// journal_bench DIRECTORY MEGABYTES: how long `windows check` takes for a journal of that size,
// made in DIRECTORY of the recorded starts, over and over, in text and in JSON. Prints a table; a
// target that is missed is printed as such.

#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "harness/drift/known.h"
#include "harness/drift/packs.h"
#include "harness/journal/entry.h"

namespace harness {
namespace {

constexpr double kSecondsPerGigabyte = 60;
const std::string kSource = HOOKSHOT_SOURCE_DIR;

struct Told {
  std::string unit;
  std::string invocation;  // "first", "restart"
  std::string ident;
  std::string line;
};

Result<std::vector<Told>> recorded() {
  std::vector<Told> out;
  for (const auto& item : std::filesystem::directory_iterator(kSource + "/harness/plan/recorded")) {
    const bool agent = item.path().stem().string().ends_with("-agent");
    std::ifstream in(item.path());
    for (std::string text; item.path().extension() == ".jsonl" && std::getline(in, text);) {
      TRY_ASSIGN(const Json fact, parse_json(text), item.path().string());
      if (json_string(fact, "type") == "journal") {
        out.push_back({agent ? "rke2-agent.service" : "rke2-server.service",
                       item.path().stem().string() + "-" + json_string(fact, "invocation"),
                       json_string(fact, "ident"),
                       json_string(fact, "line")});
      }
    }
  }
  return out;
}

std::string as_text(const Told& told, std::uint64_t round, std::int64_t wall_us) {
  return fmt::format("{}.{:06} cp-1 {}[{}]: {}\n",
                     wall_us / 1'000'000,
                     wall_us % 1'000'000,
                     told.ident,
                     told.ident == "systemd" ? 1 : 1000 + round,
                     told.line);
}

std::string as_json(const Told& told, std::uint64_t round, std::int64_t wall_us) {
  const bool systemd = told.ident == "systemd";
  const std::string id = fmt::format("{}-{}", told.invocation, round);
  Json out = {{"__REALTIME_TIMESTAMP", std::to_string(wall_us)},
              {"__MONOTONIC_TIMESTAMP", std::to_string(wall_us)},
              {"_BOOT_ID", "b"},
              {"_HOSTNAME", "cp-1"},
              {"_PID", systemd ? "1" : std::to_string(1000 + round)},
              {"SYSLOG_IDENTIFIER", told.ident},
              {systemd ? "UNIT" : "_SYSTEMD_UNIT", told.unit},
              {systemd ? "INVOCATION_ID" : "_SYSTEMD_INVOCATION_ID", id},
              {"MESSAGE", told.line}};
  return out.dump() + "\n";
}

using Write = std::string (*)(const Told&, std::uint64_t, std::int64_t);

Status make(const std::string& path, std::uint64_t bytes, Write write) {
  TRY_ASSIGN(const std::vector<Told> lines, recorded(), "recordings");
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  std::uint64_t written = 0;
  std::int64_t wall_us = 1'795'891'814'000'000;
  for (std::uint64_t round = 0; written < bytes && out; ++round) {
    for (const Told& told : lines) {
      const std::string text = write(told, round, wall_us += 1000);
      out << text;
      written += text.size();
    }
  }
  out.close();
  return out ? Status() : fail(ErrorCode::not_supported, path + " cannot be written; is it full?");
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

Status measure(const std::string& path, std::uint64_t bytes, Write write, std::string_view name) {
  TRY(make(path, bytes, write), "make a journal");
  TRY_ASSIGN(const auto packs, plan::load_packs(kSource + "/suites/windows"), "windows");
  TRY_ASSIGN(auto known, drift::load_known(kSource + "/suites/windows/lines"), "windows");
  TRY_ASSIGN(drift::Packs all, drift::packs_of(packs, std::move(known), {}), "windows");
  drift::Survey survey(std::move(all));
  const double cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  const auto read = journal::read(path, [&](const journal::Entry& entry) { survey.feed(entry); });
  survey.finish();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double used = cpu_seconds() - cpu;
  std::filesystem::remove(path);
  if (!read) {
    return fail(read.error());
  }
  const double megabytes = static_cast<double>(read->bytes) / 1e6;
  const double per_gigabyte = took.count() / megabytes * 1000;
  fmt::print(
      "{:<5} {:>7.0f} MB {:>9} lines {:>7} starts {:>7.1f} s ({:.1f} s of CPU) {:>6.1f} MB/s "
      "{:>6.1f} s/GB, {} MB of memory at most{}\n",
      name,
      megabytes,
      read->entries,
      survey.invocations(),
      took.count(),
      used,
      megabytes / took.count(),
      per_gigabyte,
      peak_megabytes(),
      per_gigabyte < kSecondsPerGigabyte ? "" : "; MISSED: more than a minute per GB");
  return {};
}

Status run(int argc, char** argv) {
  std::uint64_t megabytes = 0;
  if (argc == 3) {
    const std::string_view text = argv[2];
    std::from_chars(text.data(), text.data() + text.size(), megabytes);
  }
  if (megabytes == 0) {
    return fail(ErrorCode::invalid_input, "usage: journal_bench DIRECTORY MEGABYTES");
  }
  const std::string path = std::string(argv[1]) + "/journal-bench";
  TRY(measure(path, megabytes * 1'000'000, as_text, "text"), "text");
  TRY(measure(path, megabytes * 1'000'000, as_json, "json"), "json");
  return {};
}

}  // namespace
}  // namespace harness

int main(int argc, char** argv) {
  const auto done = harness::run(argc, argv);
  if (!done) {
    fmt::print(stderr, "journal_bench: {}\n", done.error().message());
    return done.error().code() == harness::ErrorCode::invalid_input ? 2 : 3;
  }
  return 0;
}
