//! `hotseat sessions export | import | move`: sessions as documents, and on their
//! way to another host.

use std::fs;

use serde_json::Value;

use crate::support::shell::Home;

#[test]
fn a_document_holds_the_conversation_and_nothing_that_acts() {
    let home = Home::new();
    let id = home.put(1, "<script>alert(1)</script>\u{1b}]0;x\u{7}");
    let page = home.done(&["export", &id, "--format", "html"]);
    for expected in [
        "<title>&lt;script&gt;alert(1)",
        "default-src 'none'",
        "<details class=\"tool\"><summary><b>Bash</b>",
        "<strong>normalisation</strong>",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains('\u{1b}') && !page.contains("src="), "{page}");
    let text = home.done(&["export", &id]);
    assert!(text.contains("> Turn 0: why does the parser") && text.contains("**normalisation**"), "{text}");
    assert!(!text.contains('\u{1b}'));

    let whole: Value = serde_json::from_str(&home.done(&["export", &id, "--format", "json"])).unwrap();
    let kinds: Vec<_> =
        whole["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..5], ["prompt", "thinking", "reply", "tool", "reply"]);
    let file = home.path("plan.md");
    home.done(&["export", &id, "-o", file.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert!(home.refused(1, &["export", &id, "-o", file.to_str().unwrap()]).contains("cannot create"));
    let other = home.put(2, "Other");
    assert!(home.refused(2, &["export", &id, &other]).contains("need an output folder"));
    home.done(&["export", &id, &other, "-o", home.path("work").to_str().unwrap()]);
    assert!(home.path(&format!("work/{other}.md")).exists());
}

#[test]
fn a_session_travels_to_another_host() {
    let (here, there) = (Home::new(), Home::new());
    let id = here.put(1, "Plan");
    let text = here.text(&id);
    let side = here.find(&id).unwrap().with_extension("").join("subagents/agent-1.jsonl");
    fs::create_dir_all(side.parent().unwrap()).unwrap();
    fs::write(&side, "aside").unwrap();
    let file = here.path("plan.tar");
    let file = file.to_str().unwrap();
    here.done(&["move", "Plan", "--to-file", file]);
    assert_eq!(here.find(&id), None);
    assert!(here.done(&["restore"]).contains(&id), "it waits in the trash");

    there.done(&["import", file, "--to", there.path("work").to_str().unwrap()]);
    assert_eq!(there.text(&id), text);
    let side = there.find(&id).unwrap().with_extension("").join("subagents/agent-1.jsonl");
    assert_eq!(fs::read_to_string(side).unwrap(), "aside");
    assert!(there.refused(1, &["import", file]).contains("already exists"));
    assert!(there.done(&["import", "--fork", file]).contains("Plan ⑂2"));
    here.done(&["restore", "Plan"]);
    assert!(here.refused(1, &["move", "Plan", "--to-file", file]).contains("cannot create"));
    assert!(here.find(&id).is_some(), "what was not packed stays");
    fs::write(here.path("notes.txt"), "notes").unwrap();
    assert!(
        there
            .refused(1, &["import", here.path("notes.txt").to_str().unwrap()])
            .contains("is not a transcript")
    );
}

#[test]
fn a_hostile_archive_writes_nothing() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    home.done(&["delete", &id]);
    let file = home.path("hostile.tar");
    for (name, kind) in
        [("../../escape.jsonl", b'0'), ("/tmp/hotseat-escape", b'0'), (&*format!("{id}/link"), b'2')]
    {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..1].copy_from_slice(b"/");
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(0);
        header.set_cksum();
        fs::write(&file, [header.as_bytes().as_slice(), &[0; 1024]].concat()).unwrap();
        let said = home.refused(1, &["import", file.to_str().unwrap()]);
        assert!(said.contains("cannot import"), "{name}: {said}");
    }
    assert!(home.find(&id).is_none() && !home.path("escape.jsonl").exists());
    let left: Vec<_> =
        home.path("claude/hotseat").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "trash" || name == "locks"), "{left:?}");
}

#[test]
fn a_session_is_packed_into_a_pipe_and_read_from_one() {
    let (here, there) = (Home::new(), Home::new());
    let id = here.put(1, "Plan");
    let text = here.text(&id);
    let packed = here.run(&["move", &id, "--to-file", "-"]);
    assert!(packed.status.success() && here.find(&id).is_none());
    let file = there.path("packed");
    fs::write(&file, packed.stdout).unwrap();
    let mut import = there.command(env!("CARGO_BIN_EXE_hotseat"));
    let import =
        import.args(["sessions", "import", "-"]).stdin(fs::File::open(file).unwrap()).output().unwrap();
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    assert_eq!(there.text(&id), text);
}
