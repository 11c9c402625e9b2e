#include "core/console.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <new>
#include <stdexcept>

#include "core/command.h"
#include "core/json_text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

TEST(Console, LetsGoOfWhatCannotBeWritten) {
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  tell(full, "a line\n");
  EXPECT_FALSE(std::ferror(full)) << "the next line is tried again";
  std::fclose(full);
}

TEST(Console, WritesAtOnce) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  tell(file, "a line\n");
  char text[16] = {};
  EXPECT_EQ(::pread(::fileno(file), text, sizeof text, 0), 7);
  EXPECT_STREQ(text, "a line\n");
  std::fclose(file);
}

TEST(JsonText, TakesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_text(Json{{"name", "caf\xe9.png"}}), "{\"name\":\"caf\xEF\xBF\xBD.png\"}");
}

TEST(ShellWord, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(shell_word("out=runs/a"), "out=runs/a");
  EXPECT_EQ(shell_word("out=my run"), "'out=my run'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(AsError, KeepsOursAndTellsMemoryFromTheRest) {
  EXPECT_EQ(as_error(Error(ErrorKind::data, "a", "b", "c")).hint(), "c");
  EXPECT_EQ(as_error(std::bad_alloc()).kind(), ErrorKind::memory);
  EXPECT_EQ(as_error(std::runtime_error("DefaultCPUAllocator: can't allocate memory: 9 bytes")).kind(),
            ErrorKind::memory);
  const Error other = as_error(std::runtime_error("it broke\nframe #0: somewhere"));
  EXPECT_EQ(other.kind(), ErrorKind::failure);
  EXPECT_EQ(other.message(), "it broke");
}

}  // namespace
}  // namespace fewlabel
