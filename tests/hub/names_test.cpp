// Names that a hub may be asked for.
#include "hub/names.h"

#include <gmock/gmock.h>

#include "fewlabel/error.h"

namespace fewlabel {
namespace {

TEST(HubNames, LeadNowhereElse) {
  for (const char* good : {"model.safetensors", "model-00001-of-00002.safetensors", "a", "A.b_c-d"})
    EXPECT_TRUE(is_plain_file_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".hidden", "-x", "a..b", "a/b", "/a", "a\\b", "a b", "a\nb", "ä"})
    EXPECT_FALSE(is_plain_file_name(bad)) << bad;
  EXPECT_FALSE(is_plain_file_name(std::string(1000, 'a')));
}

TEST(HubNames, AreEncodedInAddresses) {
  EXPECT_EQ(percent_encoded("main"), "main");
  EXPECT_EQ(percent_encoded("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(percent_encoded("a b?#ä"), "a%20b%3F%23%C3%A4");
}

TEST(HubNames, ARepositoryHasTwoParts) {
  EXPECT_NO_THROW(check_repository("sentence-transformers/all-MiniLM-L6-v2"));
  for (const char* bad : {"", "a", "a/", "/a", "a/b/c", "a/..", "../a", "a/b?x", "https://a/b"})
    EXPECT_THROW(check_repository(bad), Error) << bad;
  EXPECT_NO_THROW(check_revision("refs/pr/1"));
  for (const char* bad : {"", "..", "a/../b", "/a", "a/", "a b"}) EXPECT_THROW(check_revision(bad), Error) << bad;
}

}  // namespace
}  // namespace fewlabel
