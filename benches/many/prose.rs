//! Words in the proportions of real transcripts: a few very common ones, a
//! long tail of rare ones, code, paths, tables and some Chinese.
//!
//! Everything here is written as it stands inside a JSON string.

use std::fmt::Write;

use super::support::chance::Chance;

/// The most common ones, by falling frequency.
const COMMON: &str = "the to a and of is in it for that this with on be as not file from are we test \
you an if when so or error now but use by can which line code run add at function have all one should \
then check will no return does what fix only new build same there has more after I'll let's path type \
value after name change call into before still first read write where need also make each without \
session state message list index output result command update set key case user config default string \
parser process start end time data request response server client token cache buffer thread lock queue \
async await future task handle channel struct enum trait module import crate cargo python node script \
branch commit merge rebase diff patch review issue release version upgrade install package dependency \
grammar flag option argument parse lexer tokens syntax tree walk visit match pattern regex search find \
replace rename delete insert select query table column row schema migration database connection pool \
timeout retry backoff limit rate budget memory allocate leak profile benchmark latency throughput median \
screen draw render layout widget cursor scroll focus keyboard mouse terminal escape color theme font \
window panel border margin login logout password permission access policy role admin audit secret \
unicode width grapheme cluster emoji normalize encode decode base64 utf8 bytes slice offset length";

const BEGINNINGS: [&str; 24] = [
    "al", "be", "con", "de", "ex", "fa", "gra", "hy", "in", "ju", "ka", "lo", "mi", "no", "or", "pre", "qua",
    "re", "sub", "tra", "un", "ve", "wo", "za",
];
const MIDDLES: [&str; 20] = [
    "ba", "cti", "do", "fer", "gi", "ho", "li", "ma", "ni", "po", "ra", "si", "ta", "vo", "sta", "men",
    "ple", "ru", "che", "lu",
];
const ENDS: [&str; 16] =
    ["on", "er", "ing", "ed", "able", "ment", "ly", "al", "s", "ity", "ous", "ive", "or", "ize", "ate", "um"];
const CHINESE: [&str; 12] = [
    "修复登录页面",
    "添加单元测试",
    "重构解析器",
    "更新配置文件",
    "数据库连接超时",
    "请检查错误日志",
    "性能优化",
    "支持中文搜索",
    "删除旧的缓存",
    "合并到主分支",
    "这个函数返回空值",
    "界面显示不正确",
];
const FOLDERS: [&str; 10] =
    ["src", "lib", "tests", "app", "core", "api", "web", "tools", "internal", "packages"];
const ENDINGS: [&str; 6] = ["rs", "py", "ts", "md", "toml", "go"];

/// Words that exist; the rarest are told apart by number.
const VOCABULARY: usize = 60_000;

/// All words, with how far one has to go to draw each.
pub struct Vocabulary {
    words: Vec<String>,
    /// The sum of the frequencies up to each word.
    reach: Vec<f64>,
}

impl Vocabulary {
    /// The same words every time.
    pub fn new() -> Self {
        let mut chance = Chance::of(7);
        let mut words: Vec<String> = COMMON.split_whitespace().map(Into::into).collect();
        while words.len() < VOCABULARY {
            let mut word = chance.one(&BEGINNINGS).to_owned();
            for _ in 0..chance.within(1, 4) {
                word.push_str(chance.one(&MIDDLES));
            }
            word.push_str(chance.one(&ENDS));
            words.push(word);
        }
        let mut sum = 0.0;
        let frequency = |rank: usize| 1.0 / (rank as f64 + 2.7);
        let reach = (0..words.len()).map(|rank| {
            sum += frequency(rank);
            sum
        });
        let reach = reach.collect();
        Self { words, reach }
    }

    /// A word, common ones more often.
    pub fn word(&self, chance: &mut Chance) -> &str {
        let at = chance.unit() * self.reach[self.reach.len() - 1];
        &self.words[self.reach.partition_point(|reach| *reach < at)]
    }

    /// `some_name`.
    pub fn name(&self, chance: &mut Chance, text: &mut String) {
        for at in 0..chance.within(1, 4) {
            text.push_str(if at > 0 { "_" } else { "" });
            text.extend(self.word(chance).chars().filter(char::is_ascii_alphanumeric));
        }
    }

    /// `src/some/file.rs`.
    pub fn path(&self, chance: &mut Chance, text: &mut String) {
        text.push_str(chance.one(&FOLDERS));
        for _ in 0..chance.within(1, 4) {
            text.push('/');
            self.name(chance, text);
        }
        text.push('.');
        text.push_str(chance.one(&ENDINGS));
    }

    /// About so many bytes of what people and models say.
    pub fn prose(&self, chance: &mut Chance, bytes: usize, text: &mut String) {
        let end = text.len() + bytes;
        while text.len() < end {
            match chance.below(100) {
                0..2 => self.block(chance, text),
                2..4 => text.push_str(chance.one(&CHINESE)),
                4..7 => {
                    text.push_str("\\n\\n- **");
                    self.name(chance, text);
                    text.push_str("**: ");
                }
                7..11 => {
                    text.push('`');
                    self.path(chance, text);
                    text.push_str("` ");
                }
                11..13 => {
                    text.push('`');
                    self.name(chance, text);
                    text.push_str("::");
                    self.name(chance, text);
                    text.push_str("()` ");
                }
                _ => self.sentence(chance, text),
            }
        }
    }

    /// About so many bytes of what tools print.
    pub fn output(&self, chance: &mut Chance, bytes: usize, text: &mut String) {
        let end = text.len() + bytes;
        let mut number = chance.within(1, 400);
        let kind = chance.below(3);
        while text.len() < end {
            number += 1;
            let number = match kind {
                0 => write!(text, "{number:>6}\\t    "),
                1 => write!(text, "   Compiling v0.{}.{number} ", chance.below(90)),
                _ => write!(
                    text,
                    "2026-10-{:02}T{:02}:00:00Z {:08x} ",
                    1 + number % 28,
                    number % 24,
                    chance.next() as u32
                ),
            };
            number.expect("a string takes all");
            for _ in 0..chance.within(2, 10) {
                text.push_str(self.word(chance));
                text.push_str(chance.one(&[" ", " ", "_", "(", ") = ", ", ", ": ", " \\\"", "::"]));
            }
            text.push_str("\\n");
        }
    }

    fn sentence(&self, chance: &mut Chance, text: &mut String) {
        for at in 0..chance.within(4, 18) {
            text.push_str(if at > 0 { " " } else { "" });
            text.push_str(self.word(chance));
        }
        text.push_str(chance.one(&[". ", ". ", ".\\n", "? ", "! ", ": "]));
    }

    /// A block of code.
    fn block(&self, chance: &mut Chance, text: &mut String) {
        text.push_str("\\n```rust\\n");
        for _ in 0..chance.within(2, 9) {
            text.push_str("    let ");
            self.name(chance, text);
            text.push_str(" = ");
            self.name(chance, text);
            text.push_str("::new(\\\"");
            text.push_str(self.word(chance));
            text.push_str("\\\");\\n");
        }
        text.push_str("```\\n");
    }
}
