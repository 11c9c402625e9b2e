// A plain parallel loop for decoding. The result must not depend on the order of the calls.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace fewlabel {

/// Calls body(i) once for each i in [0, count) from up to `threads` threads; rethrows the first exception, after which
/// no thread begins another one.
template <typename Body>
void parallel_for(int64_t count, int threads, Body&& body) {
  constexpr int64_t kGrain = 4;  // a body takes a microsecond at least
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&] {
    try {
      for (int64_t start = next.fetch_add(kGrain); start < count && !failed; start = next.fetch_add(kGrain))
        for (int64_t i = start; i < std::min(count, start + kGrain) && !failed; ++i) body(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    const int64_t useful = std::min<int64_t>(threads, (count + kGrain - 1) / kGrain);
    for (int64_t t = 1; t < useful; ++t) helpers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fewlabel
