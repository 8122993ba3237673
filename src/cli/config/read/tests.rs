use super::*;
use crate::cli::config::default_text;
use crate::cli::config::settings::ThemeSetting;
use crate::protocol::PermissionMode;

fn mistakes(text: &str) -> Vec<String> {
    let reading = read(Path::new("c.toml"), text);
    reading.errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_key_is_optional() {
    assert_eq!(read(Path::new("c.toml"), ""), LoadedConfig::default());
    assert_eq!(read_file(Path::new("/nowhere/c.toml")), LoadedConfig::default());
}

#[test]
fn what_is_given_counts() {
    let text = "theme = 'light'\npermission_mode = 'plan'\nbrowser_width = 40\nmodel = ''\n\
                [keys]\nclear = 'x'\nfork = ['y', 'ctrl-f']\n";
    let reading = read(Path::new("c.toml"), text);
    let keys = [("clear", vec!["x"]), ("fork", vec!["y", "ctrl-f"])];
    let owned = |keys: Vec<&str>| keys.into_iter().map(String::from).collect();
    let expected = Settings {
        theme: ThemeSetting::Light,
        permission_mode: PermissionMode::Plan,
        browser_width: Some(40),
        keys: keys.map(|(name, keys)| (name.to_owned(), owned(keys))).into(),
        ..Settings::default()
    };
    assert_eq!((reading.settings, reading.errors), (expected, vec![]));
}

#[test]
fn a_mistake_names_line_and_remedy() {
    for (text, expected) in [
        ("\nthem = 1", "c.toml:2: unknown key “them”; did you mean “theme”?"),
        (
            "permision_mode = 'plan'",
            "c.toml:1: unknown key “permision_mode”; did you mean “permission_mode”?",
        ),
        ("zzz = 1", "c.toml:1: unknown key “zzz”; `hotseat config --print-default` lists them all"),
        (
            "theme = 'pink'",
            "c.toml:1: theme: expected \"auto\", \"dark\", \"light\", \"mono\" or a theme file's path",
        ),
        (
            "agent = 'nobody'",
            "c.toml:1: agent: expected an agent this version drives: hotseat, claude, codex, opencode, \
             qwen, copilot, gemini, claude-agent-acp, codex-acp, claude-tty; one of [agents]; or \"acp:COMMAND\"",
        ),
        ("agents = 1", "c.toml:1: agents: expected a table: [agents]"),
        (
            "[agents]\nclaude = 'goose acp'",
            "c.toml:2: agents.claude: this name belongs to a built-in agent; use another one",
        ),
        (
            "[agents]\ngoose = ''",
            "c.toml:2: agents.goose: expected the command that starts it, such as \"goose acp\"",
        ),
        ("[agents]\ngoose = ['goose']", "c.toml:2: agents.goose: expected text in quotes"),
        ("processes = 1", "c.toml:1: processes: expected a number from 2 to 8"),
        ("mouse = 1", "c.toml:1: mouse: expected true or false"),
        (
            "browser_width = 900",
            "c.toml:1: browser_width: expected a number of columns from 34 to 60, or 0 for about a third",
        ),
        ("keys = 1", "c.toml:1: keys: expected a table: [keys]"),
        ("prices = 1", "c.toml:1: prices: expected tables: [prices.\"MODEL\"]"),
        (
            "[prices]\nmy-model = { inputs = 1 }",
            "c.toml:2: prices.my-model: unknown field `inputs`, expected one of `input`, `output`, \
             `cache_write_5m`, `cache_write_1h`, `cache_read`, `window`, `aliases`, `long`, `over`",
        ),
        ("[prices.m]\ninput = -1", "c.toml:1: prices.m: expected an amount of 0 or more"),
        ("[keys]\nclear = 7", "c.toml:2: keys.clear: expected a key such as \"ctrl-p\", or a list of keys"),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
}

#[test]
fn an_agent_of_ones_own_can_be_the_one_in_the_slot() {
    let reading = read(Path::new("c.toml"), "agent = 'goose'\n[agents]\ngoose = 'goose acp'\n");
    assert_eq!(reading.errors, []);
    assert_eq!(reading.settings.agent.as_deref(), Some("goose"));
    assert_eq!(reading.settings.agents, [("goose".to_owned(), "goose acp".to_owned())].into());
}

#[test]
fn a_price_of_ones_own_stands_beside_the_built_in_ones() {
    let reading = read(Path::new("c.toml"), "[prices.\"my/model\"]\ninput = 1\noutput = 2\nwindow = 9\n");
    assert_eq!(reading.errors, []);
    let prices = &reading.settings.prices;
    assert_eq!((prices.window("my/model"), prices.window("claude-opus-4-5")), (Some(9), Some(200_000)));
}

#[test]
fn one_mistake_does_not_cost_the_rest() {
    let reading = read(Path::new("c.toml"), "theme = \nmouse = false\nall = 'yes'\n");
    assert!(!reading.settings.mouse);
    let lines: Vec<_> = reading.errors.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [Some(1), Some(3)]);
}

#[test]
fn a_file_of_garbage_gives_the_defaults() {
    let reading = read(Path::new("c.toml"), "\u{1b}[31m{{{{");
    assert_eq!(reading.settings, Settings::default());
    assert!(!reading.errors.is_empty());
}

#[test]
fn the_printed_default_is_the_default_and_names_every_key() {
    let text = default_text().replace("#:", "");
    let reading = read(Path::new("config.toml"), &text);
    assert_eq!(reading.errors, vec![]);
    let keys =
        Keymap::defaults().map(|(name, keys)| (name.into(), keys.iter().map(|&key| key.into()).collect()));
    assert_eq!(reading.settings, Settings { keys: keys.collect(), ..Settings::default() });
    let table = DeTable::parse(&text).unwrap();
    for entry in CONFIG_KEYS {
        assert!(table.get_ref().contains_key(entry.name), "{} is missing in assets/config.toml", entry.name);
    }
}
