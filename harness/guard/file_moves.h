// How a file gets its place and is taken from it, in steps of which each is whole or not done, and
// nothing is lost by. Errors are remote_failed and name the files.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::guard {

enum class Placed { ours, taken };

// The security label; empty: it has none.
std::string label_of(const std::string& path);
// Beside it, under a name that kubelet does not read and that is of the record alone whose `before`
// this is.
std::string hidden_name(const std::string& path, const std::string& before);
// What a guard that was ended left there under that name, whole or half written, is removed.
Status remove_hidden(const std::string& path, const std::string& before);
// With the mode, owner and label that `held` has: "mode", "uid", "gid", "label".
Status write_beside(const std::string& hidden, const std::string& content, const Json& held);
// Into an empty place only: who was faster has it. A rename alone, which a full disk allows.
Result<Placed> place(const std::string& path, const std::string& aside);
// Over what is there, by way of its hidden name.
Status replace(const std::string& path,
               const std::string& hidden,
               const std::string& content,
               const Json& held);
// In the place of exactly what we put there: should it be another file by now, or none, that stays.
Result<Placed> exchange(const std::string& path, const std::string& aside, const std::string& ours);
// In the folder above that of the file, named after the record whose `before` this is.
std::string name_above(const std::string& path, const std::string& before);
// A second name of the file itself: what is put back from it is the original, and takes no space.
// False: `name` would be on another filesystem.
Result<bool> second_name(const std::string& path, const std::string& name);
// Are these two names of one file?
bool is_same(const std::string& one, const std::string& other);
// To the file that is there, which everybody who has it open or mounted then sees.
Status write_in_place(const std::string& path, const std::string& content);
// Removes it and gives back what was said; an error says both.
Result<std::string> forget(const std::string& aside, std::string said);

}  // namespace harness::guard
