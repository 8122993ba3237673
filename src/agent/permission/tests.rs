use serde_json::json;

use super::*;
use crate::agent::tool::Access;

/// `y` allowed, `n` denied, `?` asked: for a look and an edit here, a look and
/// an edit elsewhere, and a command.
fn answers(permissions: &Permissions) -> String {
    let temp = tempfile::tempdir().unwrap();
    let (here, there) = (temp.path().join("here"), temp.path().join("there"));
    std::fs::create_dir_all(&here).unwrap();
    std::fs::create_dir_all(&there).unwrap();
    let calls = [
        ("Read", Access::Read(here.join("a").into())),
        ("Write", Access::Edit(here.join("new/a").into())),
        ("Read", Access::Read(here.join("../there/a").into())),
        ("Write", Access::Edit(there.join("a").into())),
        ("Bash", Access::Command("make a".into())),
    ];
    let answer = |(tool, need): &(&str, Access)| match permissions.decide(tool, need, &here) {
        AccessDecision::Allow => 'y',
        AccessDecision::Deny(_) => 'n',
        AccessDecision::Ask { .. } => '?',
    };
    calls.iter().map(answer).collect()
}

fn permissions(mode: PermissionMode, allowed: &str, denied: &str) -> Permissions {
    Permissions::new(mode, &[allowed.to_owned()], &[denied.to_owned()], &[])
}

#[test]
fn each_mode_asks_for_what_it_should() {
    for (mode, expected) in [
        (PermissionMode::Default, "y????"),
        (PermissionMode::AcceptEdits, "yy???"),
        (PermissionMode::Plan, "yn?nn"),
        (PermissionMode::DontAsk, "ynnnn"),
        (PermissionMode::BypassPermissions, "yyyyy"),
    ] {
        assert_eq!(answers(&permissions(mode, "", "")), expected, "{mode:?}");
    }
}

#[test]
fn rules_of_the_command_line_hold() {
    use PermissionMode::{BypassPermissions, Default};
    assert_eq!(answers(&permissions(Default, "Bash(make:*),Write", "")), "yy?yy");
    assert_eq!(answers(&permissions(BypassPermissions, "", "Bash(make:*)")), "yyyyn");
    assert_eq!(answers(&permissions(Default, "Bash", "Bash")), "y???n");
}

#[test]
fn deny_counts_before_ask_and_ask_before_allow() {
    let check = |mode, settings: Value, expected| {
        let mut permissions = permissions(mode, "", "");
        permissions.add_settings("settings.json", &json!({"permissions": settings}));
        assert_eq!(answers(&permissions), expected, "{settings}");
    };
    let (normal, all) = (PermissionMode::Default, PermissionMode::BypassPermissions);
    check(normal, json!({"allow": ["Bash(make:*)", "Edit"]}), "yy?yy");
    check(normal, json!({"allow": ["Bash"], "ask": ["Bash(make:*)"]}), "y????");
    check(normal, json!({"allow": ["Bash"], "ask": ["Bash"], "deny": ["Bash"]}), "y???n");
    check(all, json!({"ask": ["Read(./**)", "Bash(make *)"]}), "?yyy?");
    check(PermissionMode::DontAsk, json!({"allow": ["Bash"], "ask": ["Read"]}), "nnnny");
    check(normal, json!({"additionalDirectories": ["/"]}), "y?y??");
}

#[test]
fn what_may_not_be_read_is_hidden_from_searches() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().canonicalize().unwrap();
    let permissions =
        permissions(PermissionMode::Default, "", "Read(./secrets/**), Read(.env), Edit(./a), Bash");
    let hidden = permissions.unreadable_files(&here);
    for (path, expected) in
        [("secrets", true), ("secrets/a/b", true), ("b/.env", true), ("a", false), ("b", false)]
    {
        assert_eq!(hidden.contains(&here.join(path)), expected, "{path}");
    }
    assert!(permissions.denies_whole_tool("Bash") && !permissions.denies_whole_tool("Read"));
}

#[test]
fn a_text_that_is_no_rule_is_told() {
    let mut permissions = permissions(PermissionMode::Default, "no/name, Read", "Bash(open");
    permissions.add_settings("settings.json", &json!({"permissions": {"ask": ["", 7, "Read(./a)"]}}));
    let told: Vec<_> =
        permissions.problems.iter().map(|problem| problem.split(' ').next().unwrap()).collect();
    assert_eq!(told, ["“no/name”", "“Bash(open”", "“”"]);
}

#[test]
fn what_goes_into_a_settings_file_outlives_the_session() {
    let mut permissions = permissions(PermissionMode::Default, "", "");
    let grant = |behavior: &str, destination: &str| json!({"type": "addRules", "behavior": behavior, "rules": [{"toolName": "Bash"}], "destination": destination});
    permissions.apply(&grant("allow", "localSettings"), &[]);
    permissions.apply(&grant("deny", "session"), &[]);
    assert_eq!(answers(&permissions), "y???n");
    permissions.clear_session_rules();
    assert_eq!(answers(&permissions), "y???y");
    permissions.apply(&grant("ask", "session"), &[]);
    assert_eq!(answers(&permissions), "y????");
}

#[test]
fn what_is_suggested_makes_asking_needless_until_the_session_is_left() {
    let mut permissions = permissions(PermissionMode::Default, "", "");
    let need = Access::Command("make a && make b".into());
    let cwd = Path::new("/");
    let AccessDecision::Ask { suggestions, .. } = permissions.decide("Bash", &need, cwd) else { panic!() };
    assert_eq!(suggestions[0]["destination"], "session");
    permissions.apply(&suggestions[0], &suggestions);
    assert_eq!(permissions.decide("Bash", &need, cwd), AccessDecision::Allow);
    let other = Access::Command("make a && rm b".into());
    assert!(matches!(permissions.decide("Bash", &other, cwd), AccessDecision::Ask { .. }));
    permissions.clear_session_rules();
    assert!(matches!(permissions.decide("Bash", &need, cwd), AccessDecision::Ask { .. }));
}

#[test]
fn a_star_in_what_was_suggested_is_a_star() {
    let mut permissions = permissions(PermissionMode::Default, "", "");
    let decide = |permissions: &Permissions, command: &str| {
        permissions.decide("Bash", &Access::Command(command.into()), Path::new("/"))
    };
    let AccessDecision::Ask { suggestions, .. } = decide(&permissions, "rm *") else { panic!() };
    permissions.apply(&suggestions[0], &suggestions);
    assert_eq!(decide(&permissions, "rm *"), AccessDecision::Allow);
    assert!(matches!(decide(&permissions, "rm -r x"), AccessDecision::Ask { .. }));
}

#[test]
fn updates_of_the_host_are_applied_or_passed_over() {
    let mut permissions = permissions(PermissionMode::Default, "", "");
    permissions.apply(&json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"}), &[]);
    assert_eq!(permissions.mode, PermissionMode::AcceptEdits);
    permissions.apply(&json!({"type": "setMode", "mode": "yolo"}), &[]);
    permissions.apply(&json!({"type": "novel"}), &[]);
    assert_eq!(permissions.mode, PermissionMode::AcceptEdits);
    permissions.apply(&json!({"type": "addRules", "behavior": "deny", "rules": [{"toolName": "Bash"}]}), &[]);
    assert_eq!(answers(&permissions), "yy??n");
}

#[test]
fn a_link_does_not_bring_a_far_file_near() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("here");
    std::fs::create_dir(&here).unwrap();
    std::os::unix::fs::symlink("/", here.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc/none", here.join("dangling")).unwrap();
    for mode in [PermissionMode::Default, PermissionMode::AcceptEdits] {
        let permissions = permissions(mode, "", "");
        for far in ["dangling", "link/etc/hosts", "none/../../../etc/hosts", "../here2/a"] {
            for need in [Access::Read(here.join(far).into()), Access::Edit(here.join(far).into())] {
                let decision = permissions.decide("Write", &need, &here);
                assert!(
                    matches!(decision, AccessDecision::Ask { blocked_path: Some(_), .. }),
                    "{far}: {decision:?}"
                );
            }
        }
    }
}

#[test]
fn a_person_is_shown_where_a_link_leads() {
    let temp = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/nowhere/secret", temp.path().join("notes")).unwrap();
    let need = Access::Edit(temp.path().join("notes").into());
    let AccessDecision::Ask { suggestions, blocked_path, .. } =
        permissions(PermissionMode::Default, "", "").decide("Write", &need, temp.path())
    else {
        panic!()
    };
    assert_eq!(blocked_path.unwrap(), Path::new("/nowhere/secret"));
    assert_eq!(suggestions[0]["rules"][0]["ruleContent"], "/nowhere/secret");
}

#[test]
fn no_detour_leads_around_what_is_denied() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    let here = root.join("here");
    std::fs::create_dir_all(here.join("secrets")).unwrap();
    std::os::unix::fs::symlink("secrets", here.join("link")).unwrap();
    let denied = format!("Read(./secrets/**), Edit(secrets), Read(.env), Read({}/far)", root.display());
    let permissions = permissions(PermissionMode::BypassPermissions, "", &denied);
    for path in
        ["secrets/a", "link/a", "none/../secrets/a", "./secrets/../secrets/b/c", ".env", "b/.env", "../far"]
    {
        let decision = permissions.decide("Read", &Access::Read(here.join(path).into()), &here);
        assert!(matches!(decision, AccessDecision::Deny(_)), "{path}: {decision:?}");
    }
    let write = permissions.decide("Write", &Access::Edit(here.join("link/new/a").into()), &here);
    assert!(matches!(write, AccessDecision::Deny(_)), "{write:?}");
    assert_eq!(
        permissions.decide("Read", &Access::Read(here.join("secret").into()), &here),
        AccessDecision::Allow
    );
}

#[test]
fn what_was_granted_for_one_file_holds_for_no_other() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().join("here");
    std::fs::create_dir(&here).unwrap();
    std::os::unix::fs::symlink("/etc/none/hosts", here.join("hosts")).unwrap();
    let mut permissions = permissions(PermissionMode::Default, "", "");
    let granted = Access::Edit(here.join("none/../../new/hosts").into());
    let AccessDecision::Ask { suggestions, .. } = permissions.decide("Write", &granted, &here) else {
        panic!()
    };
    permissions.apply(&suggestions[0], &suggestions);
    assert_eq!(permissions.decide("Write", &granted, &here), AccessDecision::Allow);
    for other in ["hosts", "../other/none/hosts", "../new/hosts/below"] {
        let decision = permissions.decide("Write", &Access::Edit(here.join(other).into()), &here);
        assert!(matches!(decision, AccessDecision::Ask { .. }), "{other}: {decision:?}");
    }
}

#[test]
fn git_asks_where_the_repository_names_programs() {
    let temp = tempfile::tempdir().unwrap();
    let here = temp.path().canonicalize().unwrap();
    std::fs::create_dir_all(here.join(".git")).unwrap();
    let decide = |allowed: &[String], line: &str| {
        let permissions = Permissions::new(PermissionMode::Default, allowed, &[], &[]);
        permissions.decide("Bash", &Access::Command(line.to_owned()), &here)
    };
    for (config, runs) in [("[core]\n\tbare = false\n", false), ("[core]\n\tfsmonitor = ./evil\n", true)] {
        std::fs::write(here.join(".git/config"), config).unwrap();
        for line in ["git status", "git diff | head", "ls && git log"] {
            assert_eq!(decide(&[], line) != AccessDecision::Allow, runs, "{line} with {config}");
        }
        // A person may have said so, by a rule for this very command.
        assert_eq!(decide(&["Bash(git status:*)".to_owned()], "git status -s"), AccessDecision::Allow);
        assert_eq!(decide(&["Bash(ls:*)".to_owned()], "ls && git status") != AccessDecision::Allow, runs);
    }
}
