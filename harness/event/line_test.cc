#include "harness/event/line.h"

#include <array>

#include <gmock/gmock.h>

#include "harness/event/marker.h"

namespace harness::event {
namespace {

// What a Go program leaves behind; journald makes an entry of each line, and cuts long ones.
constexpr std::array<std::string_view, 14> kPanic = {
    "panic: runtime error: invalid memory address or nil pointer dereference",
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x2b1f6c4]",
    "",
    "goroutine 1 [running]:",
    "github.com/rancher/rke2/pkg/rke2.Server(0xc000a1c000, {0x0, 0x0, 0x0})",
    "\t/source/pkg/rke2/rke2.go:104 +0x8a4",
    "main.main()",
    "\t/source/main.go:53 +0x5d",
    "",
    "goroutine 87 [select, 2 minutes]:",
    "created by github.com/k3s-io/k3s/pkg/server.StartServer in goroutine 1",
    "runtime.gopanic({0x5a1c7a0?, 0x9b4e2c0?})",
    "k8s.io/client-go/tools/cache.(*Reflector).Run(0xc0004d8000, 0xc000130300)",
    "exit status 2"};

TEST(Line, knows_a_panic_s_first_line_and_its_trace) {
  EXPECT_EQ(parse_line(kPanic[0]).shape, Shape::panic);
  EXPECT_EQ(parse_line(kPanic[0]).msg,
            "runtime error: invalid memory address or nil pointer dereference");
  EXPECT_EQ(parse_line("fatal error: concurrent map writes").level, "panic");
  for (const int at : {1, 3, 4, 5, 6, 7, 9, 10, 11, 12}) {
    EXPECT_EQ(parse_line(kPanic[static_cast<std::size_t>(at)]).shape, Shape::trace)
        << kPanic[static_cast<std::size_t>(at)];
  }
}

TEST(Line, takes_plain_words_for_no_trace) {
  for (const char* text : {"",
                           "exit status 2",
                           "Started rke2-server.service (Rancher Kubernetes Engine v2).",
                           "see https://docs.rke2.io/ (or the log)",
                           "\tindented",
                           "created byte by byte"}) {
    EXPECT_EQ(parse_line(text).shape, Shape::plain) << text;
  }
}

TEST(Line, lets_nothing_in_a_panic_mark) {
  const Marker any = marker_from_json({{"log", "*"}}).value();
  const auto fact = [](std::string_view text) {
    return Json{{"type", "journal"}, {"ident", "rke2"}, {"line", text}};
  };
  std::string whole;
  for (const std::string_view text : kPanic) {
    EXPECT_FALSE(matches(any, fact(text))) << text;
    EXPECT_FALSE(parse_line(text).level == "fatal") << text;
    whole += std::string(text) + "\n";
  }
  EXPECT_FALSE(matches(any, fact(whole))) << "one entry with all lines";
  EXPECT_EQ(parse_line(whole).shape, Shape::panic);
  EXPECT_FALSE(matches(any, fact("panic: level=info msg=\"rke2 is up and running\"")));
  EXPECT_FALSE(matches(any, fact("panic: (*logrus.Entry) 0xc0001f2000")));
}

TEST(Line, lets_no_part_of_a_line_that_journald_cut_mark) {
  const std::string line =
      "time=\"2025-05-16T09:07:39Z\" level=info msg=\"rke2 is up and running\"";
  const Marker up = marker_from_json({{"log", "rke2 is up and running"}}).value();
  const auto fact = [](const std::string& text) {
    return Json{{"type", "journal"}, {"ident", "rke2"}, {"line", text}};
  };
  EXPECT_TRUE(matches(up, fact(line)));
  for (std::size_t cut = 1; cut < line.size(); ++cut) {
    EXPECT_FALSE(matches(up, fact(line.substr(0, cut)))) << line.substr(0, cut);
  }
  for (std::size_t cut = line.find("level") + 1; cut < line.size(); ++cut) {
    EXPECT_FALSE(matches(up, fact(line.substr(cut)))) << line.substr(cut);
  }
}

// The guard gives no more than 4000 bytes of a line, and a kubelet may have more arguments.
TEST(Line, marks_though_it_was_cut_where_the_text_wants_no_more_of_it) {
  const Json cut = {{"type", "journal"},
                    {"ident", "rke2"},
                    {"line",
                     "time=\"2025-05-16T09:07:39Z\" level=info msg=\"Running kubelet --a=" +
                         std::string(4000, 'x')}};
  EXPECT_TRUE(matches(marker_from_json({{"log", "Running kubelet *"}}).value(), cut));
  EXPECT_FALSE(matches(marker_from_json({{"log", "Running kubelet *x"}}).value(), cut));
  EXPECT_FALSE(matches(marker_from_json({{"log", "Running kube-proxy *"}}).value(), cut));
}

TEST(Marker, of_a_process_names_one_that_has_no_unit) {
  const auto marker = marker_from_json({{"process", "exited"}, {"name", "kubelet"}});
  ASSERT_TRUE(marker) << marker.error().message();
  EXPECT_EQ(describe(*marker), "process kubelet exited");
  EXPECT_EQ(to_json(*marker), (Json{{"process", "exited"}, {"name", "kubelet"}}));
  Json fact{{"type", "process"}, {"op", "exited"}, {"name", "kubelet"}};
  EXPECT_TRUE(matches(*marker, fact));
  fact["op"] = "started";
  EXPECT_FALSE(matches(*marker, fact));
  EXPECT_EQ(marker_from_json({{"process", "exited"}}).error().code(), ErrorCode::invalid_input);
  EXPECT_EQ(marker_from_json({{"process", "died"}, {"name", "rke2"}}).error().code(),
            ErrorCode::invalid_input);
  EXPECT_THAT(marker_from_json({{"process", "exited"}, {"name", "etcd"}}).error().message(),
              testing::HasSubstr("not one of rke2, containerd, kubelet"));
}

TEST(Marker, of_a_container_wants_the_static_pod_s) {
  const Marker marker = marker_from_json({{"container", "started"}, {"pod", "etcd"}}).value();
  Json fact{{"type", "container"}, {"op", "started"}, {"pod", "etcd"}, {"kind", "container"}};
  EXPECT_TRUE(matches(marker, fact)) << "an event from before the field was there";
  fact["static_pod"] = false;
  EXPECT_FALSE(matches(marker, fact));
  fact["static_pod"] = true;
  EXPECT_TRUE(matches(marker, fact));
}

TEST(Marker, of_a_container_with_a_star_takes_any_pod_by_its_name) {
  const Marker marker =
      marker_from_json({{"container", "exited"}, {"pod", "helm-install-*"}}).value();
  Json fact{{"type", "container"},
            {"op", "exited"},
            {"pod", "helm"},
            {"pod_name", "helm-install-rke2-canal-q9lfj"},
            {"static_pod", false},
            {"kind", "container"}};
  EXPECT_TRUE(matches(marker, fact));
  fact["kind"] = "sandbox";
  EXPECT_FALSE(matches(marker, fact));
  fact["kind"] = "container";
  fact["pod_name"] = "uninstall-rke2-canal-q9lfj";
  EXPECT_FALSE(matches(marker, fact));
}

TEST(Marker, of_a_port_is_a_change_of_who_listens) {
  const auto marker = marker_from_json({{"tcp", "answers"}, {"port", "9345"}});
  ASSERT_TRUE(marker) << marker.error().message();
  EXPECT_EQ(describe(*marker), "tcp 9345 answers");
  EXPECT_EQ(to_json(*marker), (Json{{"tcp", "answers"}, {"port", "9345"}}));
  Json fact{{"type", "tcp"}, {"port", 9345}, {"state", "answers"}};
  EXPECT_TRUE(matches(*marker, fact));
  fact["initial"] = true;
  EXPECT_FALSE(matches(*marker, fact)) << "it listened already";
  EXPECT_FALSE(matches(*marker, Json({{"type", "tcp"}, {"port", 9345}, {"state", "refuses"}})));
  EXPECT_FALSE(matches(*marker, Json({{"type", "tcp"}, {"port", 6443}, {"state", "answers"}})));
  for (const char* port : {"0", "65536", "9345 ", "-1", "ssh", "+80"}) {
    EXPECT_EQ(marker_from_json({{"tcp", "answers"}, {"port", port}}).error().code(),
              ErrorCode::invalid_input)
        << port;
  }
}

TEST(Marker, of_a_status_is_plain_http_on_the_loopback) {
  const std::string url = "http://127.0.0.1:10248/healthz";
  const auto marker = marker_from_json({{"http", url}, {"status", "200"}});
  ASSERT_TRUE(marker) << marker.error().message();
  EXPECT_EQ(describe(*marker), url + " 200");
  EXPECT_EQ(to_json(*marker), (Json{{"http", url}, {"status", "200"}}));
  EXPECT_TRUE(matches(*marker, Json({{"type", "http"}, {"url", url}, {"status", 200}})));
  EXPECT_FALSE(matches(*marker, Json({{"type", "http"}, {"url", url}, {"status", 500}})));
  for (const char* other : {"http://127.0.0.1/healthz",
                            "http://192.0.2.1:80/",
                            "http://127.0.0.1:0/",
                            "http://127.0.0.1:80",
                            "http://127.0.0.1:80/ HTTP/1.1\r\nX: y",
                            "127.0.0.1:80/"}) {
    EXPECT_EQ(marker_from_json({{"http", other}, {"status", "200"}}).error().code(),
              ErrorCode::invalid_input)
        << other;
  }
  EXPECT_THAT(marker_from_json({{"http", "https://127.0.0.1:6443/readyz"}, {"status", "200"}})
                  .error()
                  .message(),
              testing::HasSubstr("no TLS"));
  EXPECT_EQ(marker_from_json({{"http", url}, {"status", "ok"}}).error().code(),
            ErrorCode::invalid_input);
}

}  // namespace
}  // namespace harness::event
