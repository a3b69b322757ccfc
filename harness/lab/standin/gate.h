// A door that opens once. Threads that stand in for the product's goroutines wait at it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace harness::standin {

class Gate {
 public:
  void open() {
    {
      std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

  bool is_open() const {
    std::lock_guard lock(mutex_);
    return open_;
  }

  void wait() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

  // True when the door is open before the time is over.
  bool wait_for(std::chrono::milliseconds time) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return open_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool open_ = false;
};

// Counts work that must end before somebody may go on. Add before waiting.
class WaitGroup {
 public:
  void add(int count) {
    std::lock_guard lock(mutex_);
    left_ += count;
  }

  void done() {
    {
      std::lock_guard lock(mutex_);
      --left_;
    }
    changed_.notify_all();
  }

  void wait() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return left_ <= 0; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int left_ = 0;
};

}  // namespace harness::standin
