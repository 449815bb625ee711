#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "snakefile/batch_decoder.hpp"
#include "snakefile/encoder.hpp"
#include "snakefile/frame_decoder.hpp"
#include "snakefile/load_decoder.hpp"

namespace furrow::snakefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

text::JsonDocument parse(const std::string& text) {
  auto document = text::JsonDocument::parse(text, "the test");
  EXPECT_TRUE(document) << document.error().message << "\n" << text;
  return document ? std::move(*document) : std::move(*text::JsonDocument::parse("null", ""));
}

Result<LoadAnswer> load(const std::string& text) {
  const text::JsonDocument document = parse(text);
  return decode_load(document.root());
}

std::string rules(const std::string& rule) {
  return R"({"files":["/S"],"rules":[{"name":"a","file":0,"kind":"shell",)" + rule + "}]}";
}

TEST(Decoder, ReadsAWholeSnakefile) {
  const auto answer = load(R"({"files":["/w/Snakefile","/w/a.smk"],"workdir":"/w/new","config":{"a":[1,"x"]},
    "rules":[{"name":"a","file":1,"line":3,"kind":"shell","checkpoint":false,"local":false,"docstring":"d","message":true,
      "input":[{"name":"bam","list":false,"items":["{s}.bam"]},
               {"name":null,"list":true,"items":["x",{"p":"y","f":["ancient"],"literal":true,"by":1}]},
               {"name":"fn","fn":true,"line":9,"unpack":false}],
      "output":[{"name":null,"list":false,"items":[{"p":"{s}.out","f":["temp","protected","directory","touch","group_jobs"],
                 "ensure":{"non_empty":true,"sha256":"ab"}}]}],
      "log":[],"benchmark":{"name":null,"list":false,"items":["b.txt"]},
      "params":[{"name":"x","text":"{s}","wild":true},{"name":null,"fn":true,"line":12}],
      "constraints":{"s":"[a-z]+"},"threads":{"fn":true,"line":7},
      "resources":{"mem_mb":100,"tmpdir":{"fn":true,"line":8},"cluster":"short","none":null},
      "priority":-5,"retries":2,"shadow":"minimal","code":"cmd","script":null},
     {"name":"b","file":0,"line":1,"kind":"none","threads":4,"retries":null,"priority":{"fn":true,"line":2},"not_yet":"why"}],
    "ruleorder":[["a","b"],["b","a"]],"default_target":"b","localrules":["b"],"resource_scopes":{"gpu":"local"},"limits":{"db":1},"constraints":{"s":"x","t":"\\d+"},
    "hooks":["onstart","onerror"],"python":{"executable":"/usr/bin/python3","version":"3.11.2"},"overwritten_configfiles":["c"],
    "configfiles":["c.yaml"],"envvars":["TOKEN"]})");
  ASSERT_TRUE(answer) << answer.error().message;
  const workflow::Snakefile& s = answer->snakefile;
  EXPECT_EQ(answer->config, R"({"a":[1,"x"]})");
  EXPECT_EQ(answer->python_version, "3.11.2");
  EXPECT_THAT(answer->overwritten_configfiles, ElementsAre("c"));
  EXPECT_THAT(s.config_files, ElementsAre("c.yaml"));
  EXPECT_THAT(s.envvars, ElementsAre("TOKEN"));
  EXPECT_EQ(s.workdir, "/w/new");
  EXPECT_EQ(s.default_target, "b");
  EXPECT_TRUE(s.has_onstart && s.has_onerror && !s.has_onsuccess);
  EXPECT_THAT(s.rule_order, ElementsAre(ElementsAre("a", "b"), ElementsAre("b", "a")));
  EXPECT_EQ(s.limits, (std::map<std::string, std::int64_t>{{"db", 1}}));
  ASSERT_EQ(s.rules.size(), 2u);
  EXPECT_TRUE(s.rules[1].has_priority_function && !s.rules[0].has_priority_function);
  EXPECT_EQ(s.rules[1].not_yet, "why");
  const workflow::Rule& a = s.rules[0];
  EXPECT_EQ(a.file, "/w/a.smk");
  EXPECT_EQ(a.line, 3);
  EXPECT_EQ(a.kind, workflow::RuleKind::kShell);
  EXPECT_TRUE(a.has_message);
  ASSERT_EQ(a.input.size(), 3u);
  EXPECT_EQ(a.input[0].name, "bam");
  EXPECT_EQ(a.input[0].items[0].pattern, "{s}.bam");
  EXPECT_TRUE(a.input[1].is_list);
  EXPECT_EQ(a.input[1].items[1].flags, workflow::kAncient | workflow::kLiteral);
  EXPECT_EQ(a.input[1].items[0].made_by, workflow::kNoRule);
  EXPECT_EQ(a.input[1].items[1].made_by, 1u);
  EXPECT_TRUE(a.input[2].is_function);
  EXPECT_EQ(a.input[2].line, 9);
  EXPECT_EQ(a.output[0].items[0].flags, workflow::kTemp | workflow::kProtected | workflow::kDirectory |
                                            workflow::kTouch | workflow::kTogether);
  ASSERT_TRUE(a.output[0].items[0].ensure);
  EXPECT_TRUE(a.output[0].items[0].ensure->non_empty);
  EXPECT_EQ(a.output[0].items[0].ensure->sha256, "ab");
  EXPECT_EQ(a.benchmark[0].items[0].pattern, "b.txt");
  EXPECT_TRUE(a.params[0].has_wildcards);
  EXPECT_TRUE(a.params[1].is_function);
  EXPECT_EQ(a.constraints.at("s"), "[a-z]+");
  EXPECT_EQ(a.constraints.at("t"), "\\d+");
  EXPECT_EQ(std::get<workflow::FunctionValue>(a.threads).line, 7);
  ASSERT_EQ(a.resources.size(), 3u);
  EXPECT_EQ(std::get<std::int64_t>(a.resources[0].second), 100);
  EXPECT_EQ(std::get<workflow::FunctionValue>(a.resources[1].second).line, 8);
  EXPECT_EQ(std::get<std::string>(a.resources[2].second), "short");
  EXPECT_EQ(a.priority, -5);
  EXPECT_EQ(a.retries, 2);
  EXPECT_EQ(a.shadow, "minimal");
  EXPECT_FALSE(a.is_local);
  EXPECT_TRUE(s.rules[1].is_local);
  EXPECT_FALSE(s.rules[1].retries.has_value());
  EXPECT_EQ(std::get<std::int64_t>(s.rules[1].threads), 4);
}

TEST(Decoder, ConstraintsOfTheWorkflowMeanNothingToTheRulesOfAModule) {
  const auto answer = load(R"({"files":["/w/m.smk"],"constraints":{"s":"x","t":"y"},
    "rules":[{"name":"m_a","file":0,"line":1,"kind":"none","module":true,"constraints":{"s":"m"}}]})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->snakefile.rules.at(0).constraints, (std::map<std::string, std::string>{{"s", "m"}}));
}

TEST(Decoder, AMismatchedValueIsAnErrorThatNamesIt) {
  const std::pair<std::string, const char*> cases[] = {
      {"[]", "\"rules\""},
      {"{}", "\"rules\""},
      {R"({"rules":7})", "\"rules\" must be a list"},
      {R"({"rules":[7]})", "\"rules\""},
      {R"({"rules":[{}]})", "\"name\""},
      {R"({"rules":[{"name":"a","kind":"shell","file":0}]})", "\"file\" of rule a"},
      {R"({"files":["x"],"rules":[{"name":"a","kind":"shell","file":-1}]})", "\"file\" of rule a"},
      {R"({"files":["x"],"rules":[{"name":"a","kind":"magic","file":0}]})", "\"kind\" of rule a"},
      {R"({"files":[1],"rules":[]})", "\"files\""},
      {rules(R"("input":{})"), "\"input\" of rule a must be a list"},
      {rules(R"("input":["x"])"), "\"entry\""},
      {rules(R"("input":[{}])"), "\"items\""},
      {rules(R"("input":[{"items":[1]}])"), "\"items\""},
      {rules(R"("input":[{"items":[{"p":1}]}])"), "\"p\""},
      {rules(R"("input":[{"items":["a\u0000b"]}])"), "zero bytes"},
      {rules(R"("input":[{"items":[{"p":"x","f":["magic"]}]}])"), "\"f\""},
      {rules(R"("input":[{"items":[{"p":"x","ensure":1}]}])"), "\"ensure\""},
      {rules(R"("params":[1])"), "\"params\""},
      {rules(R"("threads":1.5)"), "\"threads\" of rule a must be an integer"},
      {rules(R"("threads":18446744073709551615)"), "\"threads\""},
      {rules(R"("resources":{"mem":true})"), "\"mem\""},
      {rules(R"("resources":{"mem":{"fn":false}})"), "\"mem\""},
      {rules(R"("priority":99999999999)"), "\"priority\""},
      {rules(R"("line":"x")"), "\"line\""},
      {rules(R"("checkpoint":1)"), "\"checkpoint\""},
      {rules(R"("constraints":{"x":1})"), "\"constraints\""},
      {R"({"rules":[],"ruleorder":["a"]})", "\"ruleorder\""},
      {R"({"rules":[],"python":"x"})", "\"python\""},
  };
  for (const auto& [text, expected] : cases) {
    const auto answer = load(text);
    ASSERT_FALSE(answer) << text;
    EXPECT_THAT(answer.error().message, HasSubstr(expected)) << text;
  }
}

TEST(Decoder, NonUtf8BytesPassUnchanged) {
  const auto answer = load(rules("\"input\":[{\"items\":[\"a\xff\xc0{w}\",\"\\u00e4\\ud83d\\ude00\"]}]"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->snakefile.rules[0].input[0].items[0].pattern, "a\xff\xc0{w}");
  EXPECT_EQ(answer->snakefile.rules[0].input[0].items[1].pattern, "\xc3\xa4\xf0\x9f\x98\x80");
}

TEST(Json, BrokenTextIsAnError) {
  for (const std::string text :
       {"", " ", "{", "{\"a\"", "[1,]", "nul", "\"a", "{} {}", "{}x", "\"\\ud800\"", "1e999999"}) {
    EXPECT_FALSE(text::JsonDocument::parse(text, "it")) << text;
  }
  EXPECT_FALSE(text::JsonDocument::parse(std::string("{}\0{}", 5), "it"));
  EXPECT_FALSE(text::JsonDocument::parse(std::string("\0", 1), "it"));
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(text::JsonDocument::parse(nested(text::kMaxDepth), "it"));
  const auto deep = text::JsonDocument::parse(nested(1'000'000), "it");
  ASSERT_FALSE(deep);
  EXPECT_THAT(deep.error().message, HasSubstr("nested too deeply"));
}

TEST(Decoder, InputsAnswerEachJobSeparately) {
  const text::JsonDocument document =
      parse(R"({"jobs":[{"entries":[[{"name":"x","list":true,"items":["a","b"]}],[]]},
    {"error":{"type":"KeyError","message":"no","file":"/S","line":4,"rule":"r","hint":"h","traceback":["t1","t2"]}},
    {"entries":[1]}]})");
  const auto answers = decode_inputs(document.root(), 3);
  ASSERT_EQ(answers.size(), 3u);
  ASSERT_TRUE(answers[0]);
  ASSERT_EQ(answers[0]->size(), 2u);
  EXPECT_EQ((*answers[0])[0][0].items[1].pattern, "b");
  EXPECT_EQ((*answers[0])[0][0].items[1].flags, workflow::kLiteral);
  ASSERT_FALSE(answers[1]);
  EXPECT_EQ(answers[1].error().message, "KeyError: no (in rule r)");
  EXPECT_EQ(answers[1].error().file, "/S");
  EXPECT_EQ(answers[1].error().line, 4);
  EXPECT_EQ(answers[1].error().hint, "h");
  EXPECT_EQ(answers[1].error().detail, "t1\nt2");
  ASSERT_FALSE(answers[2]);
}

TEST(Decoder, AWrongNumberOfAnswersIsAnErrorForAllJobs) {
  const text::JsonDocument document = parse(R"({"jobs":[{"entries":[]}]})");
  for (const auto& answer : decode_inputs(document.root(), 3)) EXPECT_FALSE(answer);
  EXPECT_EQ(decode_inputs(document.root(), 3).size(), 3u);
}

TEST(Decoder, DetailsHoldTheRequestedValues) {
  std::vector<workflow::DetailQuestion> questions(3);
  questions[0].threads = questions[0].resources = questions[0].params = true;
  questions[1].threads = true;
  questions[2].params = true;
  const text::JsonDocument document = parse(R"({"jobs":[
    {"threads":4,"resources":{"mem_mb":7,"x":"y"},"params":[{"name":"p","text":"t"}]},
    {"resources":{}},{"params":[{"text":"a"},{"text":"b"}]}]})");
  const auto answers = decode_details(document.root(), questions);
  ASSERT_TRUE(answers[0]);
  EXPECT_EQ(answers[0]->threads, 4);
  EXPECT_EQ(answers[0]->resources.size(), 2u);
  EXPECT_EQ(answers[0]->params[0].text, "t");
  ASSERT_FALSE(answers[1]);
  EXPECT_THAT(answers[1].error().message, HasSubstr("\"threads\""));
  ASSERT_TRUE(answers[2]);
  EXPECT_EQ(answers[2]->params.size(), 2u);
}

TEST(Decoder, ReadsSoftwareEnvironments) {
  using Kind = deploy::Environment::Kind;
  const auto of = [](const std::string& environment) {
    const auto answer = load(rules("\"environment\":" + environment));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? answer->snakefile.rules.at(0) : workflow::Rule{};
  };
  EXPECT_EQ(of("null").environment.kind, Kind::kNone);
  const workflow::Rule modules = of(R"({"shown":"envmodules a b","modules":["a","b"]})");
  EXPECT_EQ(modules.environment.kind, Kind::kModules);
  EXPECT_THAT(modules.environment.modules, ElementsAre("a", "b"));
  EXPECT_EQ(modules.environment.shown, "envmodules a b");
  const workflow::Rule file = of(R"({"shown":"conda e.yaml","file":"/e.yaml"})");
  EXPECT_EQ(file.environment.kind, Kind::kCondaFile);
  EXPECT_EQ(file.environment.address, "/e.yaml");
  EXPECT_EQ(of(R"({"shown":"x","name":"n"})").environment.kind, Kind::kCondaName);
  EXPECT_EQ(of(R"({"shown":"x","folder":"/f"})").environment.kind, Kind::kCondaFolder);
  const workflow::Rule image =
      of(R"({"shown":"container x","image":"docker://x","containerized":true,"file":"/e.yaml"})");
  EXPECT_EQ(image.environment.image, "docker://x");
  EXPECT_TRUE(image.environment.is_containerized && image.environment.kind == Kind::kCondaFile);
  EXPECT_EQ(of(R"({"shown":"container x","image":"/x.sif"})").environment.kind, Kind::kNone);
  EXPECT_TRUE(of(R"({"shown":"x","fn":true})").has_environment_function);
}

TEST(Decoder, PreparationsAreOfFourKinds) {
  std::vector<workflow::JobView> jobs(6);
  jobs[2].rule = 5;
  const text::JsonDocument document = parse(R"({"jobs":[
    {"message":"hi","shell":"sort x","prefix":"set -e; ","executable":"/bin/sh","params":[{"name":"p","text":"t"}]},
    {"message":null,"argv":["/usr/bin/python3","-u"],"env":{"K":"V"},"payload":"/tmp/f","show":"python3 x.py"},
    {"message":null,"fork":true},{"message":null},{"argv":[]},{"shell":"a\u0000b"}]})");
  const auto answers = decode_preparations(document.root(), jobs);
  ASSERT_TRUE(answers[0]);
  EXPECT_EQ(answers[0]->message, "hi");
  EXPECT_EQ(answers[0]->launch.kind, plan::Launch::Kind::kShell);
  EXPECT_EQ(answers[0]->launch.command, "sort x");
  EXPECT_EQ(answers[0]->launch.prefix, "set -e; ");
  EXPECT_EQ(answers[0]->params[0].text, "t");
  ASSERT_TRUE(answers[1]);
  EXPECT_THAT(answers[1]->launch.argv, ElementsAre("/usr/bin/python3", "-u"));
  EXPECT_EQ(answers[1]->launch.scratch, "/tmp/f");
  EXPECT_EQ(answers[1]->launch.command, "python3 x.py");
  EXPECT_EQ(answers[1]->launch.environment[0].second, "V");
  ASSERT_TRUE(answers[2]);
  EXPECT_EQ(answers[2]->launch.kind, plan::Launch::Kind::kFork);
  EXPECT_EQ(answers[2]->launch.payload, encode_job(jobs[2]));
  ASSERT_TRUE(answers[3]);
  EXPECT_EQ(answers[3]->launch.kind, plan::Launch::Kind::kNothing);
  EXPECT_FALSE(answers[4]);
  EXPECT_FALSE(answers[5]);
}

TEST(Decoder, FramesAreAnswersQuestionsOrExits) {
  const auto frame = [](const std::string& text) {
    const text::JsonDocument document = parse(text);
    return decode_frame(document.root());
  };
  EXPECT_EQ(frame(R"({"id":7,"ok":{}})")->id, 7u);
  EXPECT_NE(frame(R"({"id":7,"error":{}})")->error, nullptr);
  EXPECT_EQ(frame(R"({"ask":3,"what":"glob"})")->kind, Frame::Kind::kAsk);
  EXPECT_EQ(frame(R"({"event":"exit","tag":9,"status":256,"error":null})")->status, 256);
  for (const char* text :
       {"1", "{}", R"({"id":-1,"ok":1})", R"({"id":1})", R"({"ask":1})", R"({"ask":"x","what":"glob"})",
        R"({"event":"exit"})", R"({"event":"other","tag":1,"status":0})",
        R"({"event":"exit","tag":1.5,"status":0})"}) {
    EXPECT_FALSE(frame(text)) << text;
  }
}

TEST(Decoder, AnErrorAlwaysSaysSomething) {
  EXPECT_FALSE(decode_error(parse(R"({"message":""})").root()).message.empty());
  EXPECT_EQ(decode_error(parse(R"({"type":"KeyError","message":""})").root()).message, "KeyError: ");
}

TEST(Encoder, WritesJsonWithEveryField) {
  workflow::JobView job;
  job.rule = 3;
  job.wildcards = {{"s", "a\"\xff\n"}};
  job.input = {"x", "y"};
  job.input_shape = {{"bam", 0, 1, false}, {"", 1, 2, true}};
  job.output = {"z"};
  job.log = {"l"};
  job.benchmark = "b";
  job.threads = 4;
  job.resources = {{"mem_mb", std::int64_t{5}}, {"q", std::string("s")}, {"f", workflow::FunctionValue{}}};
  job.attempt = 2;
  EXPECT_EQ(encode_job(job),
            "{\"r\":3,\"w\":{\"s\":\"a\\\"\xff\\n\"},\"input\":[\"x\",\"y\"],\"input_shape\":[[\"bam\",0,1,"
            "false],[null,1,2,true]],"
            "\"output\":[\"z\"],\"log\":[\"l\"],\"benchmark\":\"b\",\"threads\":4,\"resources\":{\"mem_mb\":"
            "5,\"q\":\"s\"},\"attempt\":2}");
  EXPECT_EQ(encode_fork(5, 17, 4, "{\"r\":0}"), R"({"id":5,"op":"fork","tag":17,"slot":4,"job":{"r":0}})");
  EXPECT_EQ(encode_hook(6, "onstart", "/l"), R"({"id":6,"op":"hook","name":"onstart","log":"/l"})");
  EXPECT_EQ(encode_answer(2, GlobAnswer{{"n"}, {{"a"}, {"b"}}}),
            R"({"answer":2,"ok":{"names":["n"],"values":[["a"],["b"]]}})");
  EXPECT_EQ(encode_answer(3, Error{"m", "f", 2, "h"}),
            R"({"answer":3,"error":{"type":"WorkflowError","message":"m","file":"f","line":2,"hint":"h"}})");
  workflow::DetailQuestion question{job, true, false, true};
  EXPECT_THAT(encode_details(1, std::span(&question, 1)), HasSubstr(R"("want":["threads","params"])"));
  LoadRequest request;
  request.snakefile = "/S";
  request.config = R"({"a":1})";
  request.default_resources = {{"mem_mb", "1000"}};
  const text::JsonDocument load_text = parse(encode_load(1, request));
  EXPECT_TRUE(load_text.root()["workdir"].IsNull());
  EXPECT_EQ(load_text.root()["config"]["a"].GetInt(), 1);
  EXPECT_STREQ(load_text.root()["default_resources"]["mem_mb"].GetString(), "1000");
}

// Prints what it costs here; it asserts no time.
TEST(Decoder, ReadsAMillionStrings) {
  std::string text =
      R"({"files":["/S"],"rules":[{"name":"a","file":0,"kind":"none","input":[{"list":true,"items":[)";
  for (int i = 0; i < 1'000'000; ++i)
    text += (i ? ",\"" : "\"") + ("results/sample_" + std::to_string(i)) + ".txt\"";
  text += "]}]}]}";
  const auto begin = std::chrono::steady_clock::now();
  const auto document = text::JsonDocument::parse(std::move(text), "it");
  const auto middle = std::chrono::steady_clock::now();
  ASSERT_TRUE(document);
  const auto answer = decode_load(document->root());
  const auto end = std::chrono::steady_clock::now();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->snakefile.rules[0].input[0].items.size(), 1'000'000u);
  const auto ms = [](auto span) { return std::chrono::duration<double, std::milli>(span).count(); };
  std::printf("parse %.0f ms, decode %.0f ms\n", ms(middle - begin), ms(end - middle));
}

}  // namespace
}  // namespace furrow::snakefile
