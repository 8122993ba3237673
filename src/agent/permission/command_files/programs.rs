//! The common programs: what they do with their operands, and which words are
//! operands.

use super::FileEffect;
use crate::agent::permission::shell::ShellWord;

/// Commands whose arguments are text, or nothing that is read or written.
const TEXT: [&str; 34] = [
    "echo", "printf", "true", "false", ":", "sleep", "seq", "expr", "basename", "dirname", "date", "whoami",
    "id", "uname", "which", "type", "hostname", "nproc", "uptime", "pwd", "cd", "pushd", "popd", "export",
    "unset", "set", "shopt", "alias", "unalias", "exit", "return", "break", "continue", "wait",
];

const READS: [&str; 65] = [
    "cat",
    "head",
    "tail",
    "wc",
    "nl",
    "tac",
    "rev",
    "sort",
    "uniq",
    "cut",
    "paste",
    "join",
    "comm",
    "tr",
    "fold",
    "fmt",
    "column",
    "expand",
    "unexpand",
    "od",
    "xxd",
    "hexdump",
    "hd",
    "strings",
    "file",
    "stat",
    "ls",
    "dir",
    "vdir",
    "du",
    "df",
    "tree",
    "md5sum",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "b2sum",
    "cksum",
    "sum",
    "base64",
    "base32",
    "readlink",
    "realpath",
    "diff",
    "cmp",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "zcat",
    "zgrep",
    "bzcat",
    "xzcat",
    "less",
    "more",
    "bat",
    "jq",
    "yq",
    "find",
    "test",
    "[",
    "sed",
    "awk",
];

const WRITES: [&str; 19] = [
    "touch",
    "mkdir",
    "rmdir",
    "rm",
    "unlink",
    "truncate",
    "shred",
    "tee",
    "chmod",
    "chown",
    "chgrp",
    "mkfifo",
    "mknod",
    "patch",
    "setfacl",
    "chattr",
    "trash",
    "gio",
    "fallocate",
];

const COPIES: [&str; 7] = ["cp", "mv", "ln", "install", "rsync", "scp", "gcp"];

/// Commands that run code in another language, where file names stand between
/// other signs.
pub const CODE: [&str; 22] = [
    "python",
    "pypy",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "lua",
    "luajit",
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "sed",
    "gsed",
    "ed",
    "ex",
    "vim",
    "sqlite",
    "osascript",
];

/// Devices that keep nothing and tell nothing.
pub const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/tty",
    "/dev/urandom",
    "/dev/fd/63",
];

/// What a program does with its operands.
pub fn effect_of(name: &str) -> FileEffect {
    if TEXT.contains(&name) {
        FileEffect::Text
    } else if READS.contains(&name) {
        FileEffect::Reads
    } else if WRITES.contains(&name) {
        FileEffect::Writes
    } else if COPIES.contains(&name) {
        FileEffect::Copies
    } else {
        FileEffect::Unknown
    }
}

/// The words that are no options, without a program's own script or pattern.
pub fn operands<'a>(name: &str, arguments: &'a [ShellWord]) -> Vec<&'a ShellWord> {
    let (mut operands, mut only_operands, mut script_follows) = (Vec::new(), false, false);
    for word in arguments {
        let text = word.text();
        if std::mem::take(&mut script_follows) {
            continue;
        }
        script_follows = has_scripts(name)
            && !only_operands
            && matches!(text.as_str(), "-e" | "--expression" | "--regexp");
        if only_operands || !text.starts_with('-') || text == "-" {
            operands.push(word);
        } else if text == "--" {
            only_operands = true;
        }
    }
    let has = |options: &[&str]| {
        arguments.iter().any(|word| options.iter().any(|option| word.text().starts_with(option)))
    };
    let has_script = match name {
        "grep" | "egrep" | "fgrep" | "rg" | "zgrep" => has(&["-e", "-f", "--regexp", "--file", "--files"]),
        "sed" | "gsed" => has(&["-e", "-f", "--expression", "--file"]),
        "awk" | "jq" | "yq" => has(&["-f", "--file", "--from-file"]),
        "tr" | "chmod" | "chown" | "chgrp" => false,
        _ => true,
    };
    if !has_script && !operands.is_empty() {
        operands.remove(0);
    }
    operands
}

/// Whether `-e` has a script or a pattern behind it.
fn has_scripts(name: &str) -> bool {
    matches!(name, "sed" | "gsed" | "grep" | "egrep" | "fgrep" | "rg" | "zgrep")
}

/// Whether options make a program write the files that it names, though it
/// only reads them otherwise, or though nothing is known of it.
pub fn writes_by_option(name: &str, texts: &[String]) -> bool {
    let has = |options: &[&str]| {
        texts.iter().any(|text| {
            options
                .iter()
                .any(|option| text.starts_with(option) && (option.len() > 2 || !text.starts_with("--")))
        })
    };
    match name {
        "sed" | "gsed" => has(&["-i", "--in-place", "-ni", "-Ei"]),
        "perl" | "ruby" => has(&["-i", "-pi", "-ni"]),
        "sort" | "tree" => {
            has(&["-o", "--o"])
                || texts
                    .iter()
                    .any(|text| text.starts_with('-') && !text.starts_with("--") && text.contains('o'))
        }
        "curl" => has(&[
            "-o",
            "-O",
            "--output",
            "--remote-name",
            "--trace",
            "--stderr",
            "-D",
            "--dump-header",
            "-c",
            "--cookie-jar",
            "--etag-save",
            "--libcurl",
            "--hsts",
            "--alt-svc",
        ]),
        "shuf" => has(&["-o", "--output"]),
        "openssl" => has(&["-out", "-keyout", "-writerand"]),
        "rsync" => {
            has(&["--log-file", "--write-batch", "--only-write-batch", "--temp-dir", "-T", "--backup-dir"])
        }
        "git" => has(&["--output", "-o"]),
        "wget" | "dd" | "unzip" => true,
        "yq" => has(&["-i", "--inplace"]),
        _ => false,
    }
}
