#include "harness/report/report.h"

#include <fmt/format.h>

#include "harness/report/instants.h"
#include "harness/stats/rate.h"

namespace harness::report {
namespace {

constexpr const char* kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=+:";

// The length of the UTF-8 sequence that begins here; 0 when it is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80            ? 1
                             : (lead >> 5U) == 0x06 ? 2
                             : (lead >> 4U) == 0x0e ? 3
                             : (lead >> 3U) == 0x1e ? 4
                                                    : 0;
  if (length == 0 || at + length > text.size() || lead == 0xc0 || lead == 0xc1 || lead > 0xf4) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0U) != 0x80U) {
      return 0;
    }
  }
  return length;
}

bool may_stand(std::string_view character) {
  const auto byte = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) {
    return (byte >= 0x20 && byte != 0x7f) || byte == '\n' || byte == '\t';
  }
  // U+0080 to U+009F are controls too, surrogates are no characters, U+FFFE and U+FFFF not XML.
  return character >= "\xc2\xa0" && !(character >= "\xed\xa0\x80" && character <= "\xed\xbf\xbf") &&
         character != "\xef\xbf\xbe" && character != "\xef\xbf\xbf";
}

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

std::string inventory_of(const Model& model) {
  return model.inventory_path.empty() ? "inventories/" + model.cluster + ".yaml"
                                      : quoted(model.inventory_path);
}

}  // namespace

Json Model::to_json() const {
  Json out = {{"run", run},
              {"verdict", check::to_string(verdict())},
              {"tool", tool},
              {"seed", seed},
              {"inventory", inventory},
              {"cluster", cluster},
              {"started", started},
              {"finished", finished},
              {"standin", standin},
              {"dirty", dirty},
              {"cases", Json::array()}};
  for (const check::CaseVerdict& one : cases) {
    Json item = one.to_json();
    if (const auto rate = stats::rate_worth_showing(one)) {
      item["rate"] = rate->to_json();
    }
    for (std::size_t i = 0; i < one.trials.size(); ++i) {
      const std::string replayed = replay_command(*this, one.name, one.trials[i]);
      item["trials"][i]["repeat"] = replayed.empty() ? repeat_command(*this, one.name) : replayed;
    }
    out["cases"].push_back(std::move(item));
  }
  const std::vector<Instant> all = instants_of(cases);
  out["instants"] = report::to_json(instant_maps(all));
  out["coverage"] = report::to_json(coverage(planned, all));
  return out;
}

Result<Model> Model::from_json(const Json& json) {
  if (!json.is_object() || !json.contains("cases") || !json["cases"].is_array()) {
    return fail(ErrorCode::invalid_input, "not a verdict.json: it has no cases");
  }
  Model out{.run = json_string(json, "run"),
            .tool = json_string(json, "tool"),
            .seed = static_cast<std::uint64_t>(json_int(json, "seed")),
            .inventory = json_string(json, "inventory"),
            .cluster = json_string(json, "cluster"),
            .standin = json_bool(json, "standin"),
            .started = json_string(json, "started"),
            .finished = json_string(json, "finished")};
  for (const Json& one : json["cases"]) {
    TRY_ASSIGN(check::CaseVerdict verdict, check::case_verdict_from_json(one), "case");
    out.cases.push_back(std::move(verdict));
  }
  out.planned = planned_from_json(json.value("coverage", Json::array()));
  if (const auto found = json.find("dirty"); found != json.end() && found->is_array()) {
    for (const Json& one : *found) {
      out.dirty.push_back(one.is_string() ? one.get<std::string>() : one.dump());
    }
  }
  return out;
}

std::string render(const Model& model, const TrialEvents& trial_events, Format format) {
  switch (format) {
    case Format::json:
      return to_verdict_json(model);
    case Format::junit:
      return to_junit(model);
    case Format::markdown:
      return to_markdown(model);
    case Format::html:
      return to_html(model, trial_events);
  }
  return {};
}

std::string to_verdict_json(const Model& model) {
  return model.to_json().dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string replay_text(const check::TrialVerdict& trial) {
  if (trial.replays.empty()) {
    return {};
  }
  const auto at = [](const std::optional<std::int64_t>& us) {
    return us ? fmt::format("at {:+.1f} ms", static_cast<double>(*us) / 1000)
              : std::string("nowhere");
  };
  if (trial.landed_us && trial.original_us) {
    return fmt::format("landed {:+.1f} ms from {}, which landed {}",
                       static_cast<double>(*trial.landed_us - *trial.original_us) / 1000,
                       trial.replays,
                       at(trial.original_us));
  }
  return fmt::format("landed {}, and {}, which it replays, {}",
                     at(trial.landed_us),
                     trial.replays,
                     at(trial.original_us));
}

std::string replay_text(const check::CompanionVerdict& one) {
  return one.landed_us && one.original_us
             ? fmt::format("; landed {:+.1f} ms from the one that it replays",
                           static_cast<double>(*one.landed_us - *one.original_us) / 1000)
             : std::string();
}

std::string repeat_command(const Model& model, const std::string& case_name) {
  if (!model.again.empty()) {
    std::string out;
    for (const std::string& word : model.again) {
      const bool plain = word.find_first_not_of(kPlain) == std::string::npos && !word.empty();
      out += (out.empty() ? "" : " ") + (plain ? word : quoted(word));
    }
    return out;
  }
  std::string suites;
  for (const std::string& suite : model.suites) {
    suites += " " + quoted(suite);
  }
  if (suites.empty()) {
    suites = fmt::format(" suites/{}.yaml", case_name.substr(0, case_name.find('/')));
  }
  return fmt::format("hookshot run{} -i {} --filter {} --seed {}",
                     suites,
                     inventory_of(model),
                     quoted(case_name),
                     model.seed);
}

// A run of no suite is not replayed, and RUN ends at its first colon.
std::string replay_command(const Model& model,
                           const std::string& case_name,
                           const check::TrialVerdict& trial) {
  const bool aimed = trial.fault != "none" && !trial.window.empty();
  if (!aimed || model.suites.empty() || !model.again.empty() || model.folder.empty() ||
      model.folder.find(':') != std::string::npos) {
    return {};
  }
  return fmt::format("hookshot run --replay {} -i {}",
                     quoted(fmt::format("{}:{}:{}", model.folder, case_name, trial.trial)),
                     inventory_of(model));
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_at(text, at);
    const std::string_view character = text.substr(at, length == 0 ? 1 : length);
    if (out.size() + character.size() > limit) {
      return out + " [cut]";
    }
    out += length != 0 && may_stand(character) ? character : std::string_view("?");
    at += character.size();
  }
  return out;
}

std::string table_cell(std::string_view raw, std::size_t limit) {
  std::string out;
  for (const char c : printable(raw, limit)) {
    out += c == '|' || c == '\n' || c == '\t' ? ' ' : c == '<' ? '(' : c == '>' ? ')' : c;
  }
  return out;
}

std::string escape_html(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : printable(text, limit)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace harness::report
