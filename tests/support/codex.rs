//! What keeps codex to a stub and a home of our own.

use std::path::Path;

/// How to get it.
pub const REMEDY: &str = "npm install -g @openai/codex";

/// Makes its home, in which it asks this API and nobody else, with the key in
/// `STUB_KEY`.
pub fn configure(home: &Path, api: &str) {
    configure_for("stub", home, api);
}

/// The same, with a model of this name: of one that it does not know codex-acp
/// says so in the conversation.
pub fn configure_for(model: &str, home: &Path, api: &str) {
    std::fs::create_dir_all(home).unwrap();
    let provider =
        format!("name = \"stub\"\nbase_url = \"{api}/v1\"\nwire_api = \"responses\"\nenv_key = \"STUB_KEY\"");
    let config =
        format!("model = \"{model}\"\nmodel_provider = \"stub\"\n\n[model_providers.stub]\n{provider}\n");
    std::fs::write(home.join("config.toml"), config).unwrap();
}
