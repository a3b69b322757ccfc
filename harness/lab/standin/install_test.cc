// The release's own install.sh, on artifacts of a few bytes and with a root user of the test's own.
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/child.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Install : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "install-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directories(root_ / "artifacts");
    fake("id", "echo 0");
    fake("systemctl", "exit 0");
    fake("mountpoint", "exit 1");
    fs::create_directories(root_ / "tree/bin");
    for (const char* unit : {"server", "agent"}) {
      write("tree/lib/systemd/system/rke2-" + std::string(unit) + ".service", "[Unit]\n");
    }
    for (const char* program : {"rke2", "rke2-killall.sh", "rke2-uninstall.sh"}) {
      write("tree/bin/" + std::string(program), "#!/bin/sh\n");
    }
    done({"tar", "-C", root_ / "tree", "-czf", artifact("rke2.linux-amd64.tar.gz"), "bin", "lib"});
  }

  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    ASSERT_TRUE(machine::write_file(root_ / file, text, 0755));
  }

  void fake(const std::string& program, const std::string& script) const {
    write("fakes/" + program, "#!/bin/sh\n" + script + "\n");
  }

  std::string artifact(const std::string& name) const { return root_ / "artifacts" / name; }

  static void done(const std::vector<std::string>& argv) {
    const auto result = capture({argv, {}, {}});
    ASSERT_TRUE(result) << result.error().message();
  }

  void add_images(const char* program, const char* extension) const {
    write("images.tar", "images");
    done({program, "-q", "-k", root_ / "images.tar"});
    fs::rename(root_ / ("images.tar" + std::string(extension)),
               artifact("rke2-images.linux-amd64.tar" + std::string(extension)));
  }

  // What it printed, or the error.
  std::string install(std::map<std::string, std::string> environment = {}) {
    std::string sums;
    for (const auto& file : fs::directory_iterator(root_ / "artifacts")) {
      if (file.path().extension() != ".txt") {
        sums += machine::sha256_hex(machine::read_file(file.path()).value()) + "  " +
                file.path().filename().string() + "\n";
      }
    }
    write("artifacts/sha256sum-amd64.txt", sums);
    environment["PATH"] = (root_ / "fakes").string() + ":/usr/bin:/bin";
    environment["INSTALL_RKE2_ARTIFACT_PATH"] = root_ / "artifacts";
    environment["INSTALL_RKE2_AGENT_IMAGES_DIR"] = root_ / "images";
    environment["INSTALL_RKE2_TAR_PREFIX"] = root_ / "prefix";
    const std::string script = HOOKSHOT_SOURCE_DIR "/harness/lab/standin/release/install.sh";
    fake("mv", "case \"$*\" in *systemd*) exit 0 ;; esac\nexec /bin/mv \"$@\"");
    fake("both", "exec sh '" + script + "' 2>&1");
    const auto result = capture({{root_ / "fakes/both"}, environment, {}});
    return result ? *result : "failed: " + result.error().message();
  }

  fs::path root_;
};

TEST_F(Install, unpacks_gzip_images_as_the_products_does) {
  add_images("gzip", ".gz");
  EXPECT_THAT(install(), HasSubstr("decompressing airgap tarball to"));
  EXPECT_TRUE(fs::exists(root_ / "prefix/bin/rke2"));
  EXPECT_EQ(machine::read_file(root_ / "images/rke2-images.linux-amd64.tar").value(), "images");
  EXPECT_FALSE(fs::exists(root_ / "images/rke2-images.linux-amd64.tar.gz"));
}

TEST_F(Install, prefers_zstd_images_and_leaves_them_packed) {
  add_images("gzip", ".gz");
  add_images("zstd", ".zst");
  EXPECT_THAT(install(), HasSubstr("staging zst airgap image tarball from"));
  EXPECT_TRUE(fs::exists(root_ / "images/rke2-images.linux-amd64.tar.zst"));
  EXPECT_FALSE(fs::exists(root_ / "images/rke2-images.linux-amd64.tar"));
}

TEST_F(Install, says_which_wishes_it_does_not_heed) {
  const std::string said =
      install({{"INSTALL_RKE2_VERSION", "v1.30.13+rke2r1"}, {"INSTALL_RKE2_CHANNEL", "latest"}});
  EXPECT_THAT(said, HasSubstr("INSTALL_RKE2_VERSION is not heeded"));
  EXPECT_THAT(said, HasSubstr("INSTALL_RKE2_CHANNEL is not heeded"));
}

}  // namespace
}  // namespace harness::standin
