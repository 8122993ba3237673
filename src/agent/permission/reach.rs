//! Options with which a harmless program writes files or runs others. A rule
//! that allows the program by its name does not reach these.

use super::command_text::CommandPattern;
use super::read_only::{SORT_LETTERS, SORT_NAMES, is_listed};
use super::shell::{ShellWord, SimpleCommand};
use super::{git_read_only, read_only, sed_script};

/// Options of `git` that run programs or write files, and its settings.
const GIT: [&str; 23] = [
    "--output",
    "--ext-diff",
    "--textconv",
    "--exec",
    "--exec-path",
    "--upload-pack",
    "--receive-pack",
    "--extcmd",
    "--open-files-in-pager",
    "--config",
    "--config-env",
    "--template",
    "--output-directory",
    "--tree-filter",
    "--index-filter",
    "--env-filter",
    "--msg-filter",
    "--no-index",
    "--contents",
    "--smtp-server",
    "--export-marks",
    "--import-marks",
    "--filters",
];

/// Options of other programs that run a program.
const RUNNING: [(&str, &[&str]); 16] = [
    (
        "tar",
        &[
            "--to-command",
            "--checkpoint-action",
            "--use-compress-program",
            "-I",
            "--rsh-command",
            "-F",
            "--info-script",
            "--new-volume-script",
            "--rmt-command",
            "--absolute-names",
        ],
    ),
    ("bsdtar", &["--use-compress-program"]),
    ("rsync", &["-e", "--rsh", "--rsync-path", "--files-from", "-M", "--remote-option", "--config"]),
    ("less", &["+", "-o", "-O", "--log-file", "-k", "--lesskey"]),
    ("vim", &VIM),
    ("vi", &VIM),
    ("nvim", &VIM),
    ("split", &["--filter"]),
    ("bat", &["--pager"]),
    ("sqlite3", &[".s", ".o", ".i", ".r", ".l", ".e", ".b", ".c", "-cmd", "-init"]),
    ("zip", &["-T", "-TT", "--unzip-command"]),
    ("curl", &["-K", "--config"]),
    ("wget", &["--use-askpass", "-e", "--execute", "--config"]),
    ("ssh", &["-o", "-F"]),
    ("scp", &["-o", "-F", "-S"]),
    ("man", &["-P", "--pager", "-H", "--html", "-C", "--config-file"]),
];

/// Options of the editor that run its commands.
const VIM: [&str; 8] = ["+", "-c", "--cmd", "-S", "-u", "-s", "-w", "-W"];

/// The option of a command that goes beyond what a rule for its name means;
/// `None` if there is none, or the pattern names it itself.
pub fn beyond(command: &SimpleCommand, pattern: &CommandPattern<'_>) -> Option<String> {
    let name = command.name()?;
    let texts: Vec<String> = command.arguments().iter().map(ShellWord::text).collect();
    let has_glob = command.arguments().iter().any(ShellWord::has_glob);
    let found = match name.as_str() {
        // Letters in one word, with or without a dash: `xPf` takes absolute names.
        "tar"
            if texts
                .iter()
                .enumerate()
                .any(|(at, text)| is_bundle(at, text) && text.contains(['P', 'F', 'I'])) =>
        {
            Some("-P".to_owned())
        }
        "find" | "bfs" | "fd" | "fdfind" => {
            // A file name that comes in for a pattern could be an option.
            let odd = texts.iter().find(|text| text.starts_with('-') && !read_only::is_find_option(text));
            odd.cloned().or_else(|| (name == "find" && has_glob).then(|| "*".to_owned()))
        }
        "git" => git(&texts),
        "sed" | "gsed" => sed(&texts),
        "awk" | "gawk" | "mawk" | "nawk" => texts.iter().find(|text| runs_in_awk(text)).cloned(),
        "sort" => texts.iter().find(|text| !is_listed(text, SORT_LETTERS, &SORT_NAMES)).cloned(),
        "tree" => texts
            .iter()
            .find(|text| text.starts_with("-o") || text.starts_with("--o") || text.starts_with("-R"))
            .cloned(),
        "file" => texts.iter().find(|text| text.starts_with("-C") || text.starts_with("--comp")).cloned(),
        "rg" => {
            texts.iter().find(|text| text.starts_with("--pre") || text.starts_with("--hostname-bin")).cloned()
        }
        "yq" => texts.iter().find(|text| text.starts_with("-i") || text.starts_with("--inp")).cloned(),
        "date" => texts.iter().find(|text| text.starts_with("-s") || text.starts_with("--s")).cloned(),
        "uniq" | "xxd" => {
            (texts.iter().filter(|text| !text.starts_with('-')).count() > 1).then(|| "output file".to_owned())
        }
        "perl" | "ruby" => {
            texts.iter().find(|text| text.starts_with("-i") || text.starts_with("-pi")).cloned()
        }
        _ => {
            let options = RUNNING
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, options)| *options)
                .unwrap_or_default();
            texts.iter().find(|text| options.iter().any(|option| is_option(text, option))).cloned()
        }
    };
    found.filter(|option| !pattern.names_option(option))
}

/// Whether a word of `tar` is options by their letters.
fn is_bundle(at: usize, text: &str) -> bool {
    at == 0 && !text.starts_with('-') || text.starts_with('-') && !text.starts_with("--")
}

/// Whether a word is this option, shortened or with its value attached.
fn is_option(text: &str, option: &str) -> bool {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    if option.starts_with("--") {
        name.len() > 3 && name.starts_with("--") && option.starts_with(name)
    } else {
        text.starts_with(option) && !text.starts_with("--")
    }
}

fn git(texts: &[String]) -> Option<String> {
    if git_read_only::is_read_only(texts) {
        return None;
    }
    let subcommand = texts.iter().find(|text| !text.starts_with('-')).map(String::as_str);
    let before = texts.iter().take_while(|text| Some(text.as_str()) != subcommand);
    let mut odd = before.filter(|text| {
        text.starts_with("-c")
            || text.starts_with("-C")
            || text.starts_with("--git-dir")
            || text.starts_with("--work-tree")
    });
    if let Some(odd) = odd.next() {
        return Some(odd.clone());
    }
    if matches!(
        subcommand,
        Some(
            "config"
                | "filter-branch"
                | "bisect"
                | "difftool"
                | "mergetool"
                | "daemon"
                | "instaweb"
                | "hook"
                | "shell"
                | "cvsserver"
                | "http-backend"
                | "gui"
                | "citool"
                | "send-email"
                | "credential"
                | "upload-pack"
                | "receive-pack"
        )
    ) {
        return subcommand.map(str::to_owned);
    }
    if matches!(subcommand, Some("clone" | "init")) && texts.iter().any(|text| text.starts_with("-c")) {
        return Some("-c".to_owned());
    }
    if subcommand == Some("submodule") && texts.iter().any(|text| text == "foreach") {
        return Some("foreach".to_owned());
    }
    if matches!(subcommand, Some("rebase")) && texts.iter().any(|text| text.starts_with("-x")) {
        return Some("-x".to_owned());
    }
    if matches!(subcommand, Some("clone" | "fetch" | "pull" | "ls-remote")) {
        // These transports and options name a program.
        let runs = |text: &&String| {
            text.starts_with("ext::")
                || text.starts_with("fd::")
                || text.starts_with("-u") && subcommand == Some("clone")
        };
        if let Some(text) = texts.iter().find(runs) {
            return Some(text.clone());
        }
    }
    if subcommand == Some("grep") && texts.iter().any(|text| text.starts_with("-O")) {
        return Some("-O".to_owned());
    }
    texts.iter().find(|text| GIT.iter().any(|option| is_option(text, option))).cloned()
}

/// Programs of `awk` that may run others or write files.
fn runs_in_awk(text: &str) -> bool {
    text.contains("system")
        || text.contains("getline")
        || text.contains(['|', '>', '@'])
        || text.starts_with("-f")
        || text.starts_with("-i")
        || text.starts_with("-l")
        || text.starts_with("-E")
        || text.starts_with("--") && text != "--"
}

fn sed(texts: &[String]) -> Option<String> {
    let (mut script_follows, mut has_script) = (false, false);
    for text in texts {
        if std::mem::take(&mut script_follows) {
            has_script = true;
            if !sed_script::is_harmless(text) {
                return Some(text.clone());
            }
            continue;
        }
        match text.as_str() {
            "-e" | "--expression" => script_follows = true,
            "-n" | "-E" | "-r" | "-s" | "-u" | "-z" | "--quiet" | "--silent" | "--regexp-extended"
            | "--posix" | "-nE" | "-En" | "-nr" | "-rn" | "--separate" | "--sandbox" | "--debug"
            | "--null-data" | "--" => {}
            _ if text.starts_with('-') => return Some(text.clone()),
            _ if !has_script => {
                has_script = true;
                if !sed_script::is_harmless(text) {
                    return Some(text.clone());
                }
            }
            _ => {}
        }
    }
    None
}
