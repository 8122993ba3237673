use super::*;

/// Each command of a line, its words separated by blanks and `?` where a word
/// is not known.
fn commands(line: &str) -> Vec<String> {
    let script = ShellScript::parse(line, Path::new("/w")).unwrap_or_else(|error| panic!("{line}: {error}"));
    let shown = |text: HoleText| text.into_iter().map(|char| char.unwrap_or('?')).collect::<String>();
    let line_of = |command: &SimpleCommand| {
        command.words.iter().map(|word| shown(word.hole_text())).collect::<Vec<_>>().join(" ")
    };
    script.commands.iter().map(line_of).filter(|line| !line.is_empty()).collect()
}

fn check(line: &str, expected: &[&str]) {
    assert_eq!(commands(line), expected, "{line}");
}

#[test]
fn quotes_and_escapes_are_resolved() {
    check("\\rm b", &["rm b"]);
    check("'rm' \"b\"", &["rm b"]);
    check("r''m b", &["rm b"]);
    check("$'\\x72m' b", &["rm b"]);
    check("r\\\nm b", &["rm b"]);
    check("{rm,b}", &["rm b"]);
    check("rm${IFS}b", &["rm b"]);
    check("rm$IFS$(echo b)", &["echo b", "rm ?"]);
    check("echo \"a  b\" c", &["echo a  b c"]);
    check("echo ''", &["echo "]);
    check("/bin/r? b", &["/bin/r? b"]);
    check("[r]m b", &["?m b"]);
    check("$X b", &["? b"]);
    check("cat $PWD/a ~+/b", &["cat /w/a /w/b"]);
}

#[test]
fn every_part_of_a_line_is_taken_down() {
    check("a && b || c; d | e & f", &["a", "b", "c", "d", "e", "f"]);
    check("(a; { b; })", &["a", "b"]);
    check("if a; then b; elif c; then d; else e; fi", &["a", "b", "c", "d", "e"]);
    check("for x in $(a); do b $x; done", &["a", "b ?"]);
    check("while a; do b; done; until c; do d; done", &["a", "b", "c", "d"]);
    check("case $(a) in x) b;; *) c;; esac", &["a", "b", "c"]);
    check("f() { a; }; f", &["a", "f"]);
    check("echo $(a $(b)) `c`", &["b", "a ?", "c", "echo ? ?"]);
    check("a <(b) >(c)", &["b", "c", "a /dev/fd/63 /dev/fd/63"]);
    check("cat <<EOF\n$(a)\nEOF", &["a", "cat"]);
    check("X=$(a) b", &["a", "b"]);
    check("[[ -n $(a) ]] && b", &["a", "b"]);
    check("! a", &["a"]);
    check("time a", &["a"]);
    check("coproc a", &["a"]);
    check("a |& b", &["a", "b"]);
    check("a # b", &["a"]);
    check("x=(1 $(a)); b", &["a", "b"]);
}

#[test]
fn wrappers_and_launchers_start_what_stands_behind_them() {
    let starts = |line: &str, wanted: &str| {
        let found = commands(line);
        assert!(found.iter().any(|command| command == wanted), "{line}: {found:?}");
    };
    for line in [
        "command -p rm b",
        "env -i rm b",
        "env A=1 rm b",
        "nice -n 5 rm b",
        "nice -5 rm b",
        "timeout -k 1 5 rm b",
        "stdbuf -oL rm b",
        "nohup rm b",
        "setsid -w rm b",
        "sudo -u root rm b",
        "sudo A=1 rm b",
        "exec -a x rm b",
        "busybox rm b",
        "flock /tmp/l rm b",
        "chroot / rm b",
        "bash -c 'rm b'",
        "sh -ec 'rm b'",
        "bash -o errexit -c 'rm b'",
        "eval rm b",
        "eval 'rm b'",
        "trap 'rm b' EXIT",
        "alias x='rm b'",
        "find . -exec rm b \\;",
        "find . -execdir rm b {} +",
        "env -S 'rm b'",
        "watch 'rm b'",
        "su -c 'rm b'",
        "script -c 'rm b' x",
        "xargs -0 -n1 rm b",
        "bash <<< 'rm b'",
        "bash <<'EOF'\nrm b\nEOF",
        "sudo bash -c 'nice rm b'",
        "git bisect run rm b",
        "npx rm b",
        "uv run rm b",
        "ssh host 'rm b'",
        "time -p rm b",
        "builtin command rm b",
        "nix-shell --run 'rm b'",
        "find . -exec sh -c 'rm b' \\;",
        "eval \"$(echo x)\"; rm b",
    ] {
        let wanted = if line.contains("{} +") { "rm b ?" } else { "rm b" };
        let found = commands(line);
        let is_there =
            found.iter().any(|command| command == wanted || command.starts_with(&format!("{wanted} ")));
        assert!(is_there, "{line}: {found:?}");
    }
    starts("xargs rm", "rm ?");
    starts("find . -exec {} \\;", "?");
    assert!(!commands("command -v rm").contains(&"rm".to_owned()));
}

#[test]
fn what_bash_reads_otherwise_is_not_understood() {
    for line in [
        "echo 'a",
        "echo \"a",
        "if a; then",
        "a)",
        "echo $(a",
        "a &&",
        "case x in",
        // Each of these hides a command from the grammar, or from bash.
        "echo \\$'a\\'; rm b #'",
        "echo $$'a\\'; rm b #'",
        "echo \"${x:-'}\"; rm b; echo \"'}\"",
        "echo $(( ((1))<<X ))\nrm b\nX\n",
        "echo ${x@P}",
        "echo ${!x}",
        "echo $((a[$(rm b)]))",
        "x='a[$(rm b)]'; echo $((x))",
        "cat <<$'E'\nx\nE\n",
        "a\u{1b}b",
        "a\rb",
        "PS4='$(rm b)'; set -x; a",
        "99999999999>x",
        "echo ~99999999999",
        "[[ a =~ (b) ]]",
        "env 'BASH_FUNC_ls%%=() { rm b; }' bash -c ls",
        &"(".repeat(5000),
        &format!("echo {}", "$(".repeat(9)),
        &"x".repeat(40_000),
    ] {
        let shown: String = line.chars().take(60).collect();
        assert!(ShellScript::parse(line, Path::new("/w")).is_err(), "{shown}");
    }
}

#[test]
fn files_that_the_shell_opens_are_listed() {
    let opened = |line: &str| {
        let script = ShellScript::parse(line, Path::new("/w")).unwrap();
        let shown = script
            .redirects
            .iter()
            .map(|redirect| format!("{}{}", if redirect.writes { ">" } else { "<" }, redirect.target.text()));
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(opened("a > x 2>> y < z &> v"), ">x >y <z >v");
    assert_eq!(opened("a >| x <> y >& z"), ">x >y >z");
    assert_eq!(opened("a 2>&1 >&2 2>&-"), "");
    assert_eq!(opened("{ a; } > x; (b) < y"), ">x <y");
    assert_eq!(opened("> x"), ">x");
}

#[test]
fn a_line_that_is_hard_to_read_is_read_or_refused_quickly() {
    let began = std::time::Instant::now();
    for line in [
        "((((((((((a))))))))))".to_owned(),
        "echo \"$(echo \"$(echo \"$(echo \"$(a)\")\")\")\"".to_owned(),
        "a; ".repeat(400),
        "{a,b}".repeat(30),
        format!("echo {}", "a".repeat(20_000)),
        format!("echo {}", "'a'".repeat(5_000)),
        "if a; then ".repeat(200),
        "[[ ".repeat(500),
        "$".repeat(10_000),
        "${".repeat(3_000),
        "`".repeat(3_001),
    ] {
        // Either is fine.
        drop(ShellScript::parse(&line, Path::new("/w")));
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
