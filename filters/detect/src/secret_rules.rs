//! The kinds of secret that a fixed beginning gives away, as a table.

use crate::classes::{
    BASE62, BASE64, BASE64_URL, DASH, DOT, EQUALS, HEX, HEX_LOWER, UPPER_DIGIT, WORD,
};

/// What must hold of the letters besides their alphabet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Check {
    /// As mixed as random letters are.
    Mixed,
    /// Six base62 digits of CRC-32 at the end, as GitHub and npm write them.
    Crc62,
    /// Grafana: an underscore and eight hexadecimal digits of CRC-32.
    Grafana,
    /// So many letters, a dot, so many more.
    Dotted(usize, usize),
    /// JSON behind base64: a token in three parts.
    Jwt,
    /// A word in front of the beginning belongs to it: letters, then digits.
    Before(usize),
}

/// One kind of secret.
pub(crate) struct Rule {
    pub label: &'static str,
    /// Its beginning, exactly as written.
    pub prefix: &'static str,
    /// The alphabet of what follows.
    pub body: u16,
    /// How many letters follow.
    pub least: usize,
    pub most: usize,
    pub check: Check,
}

const fn rule(
    label: &'static str,
    prefix: &'static str,
    body: u16,
    least: usize,
    most: usize,
) -> Rule {
    checked(label, prefix, body, least, most, Check::Mixed)
}

const fn checked(
    label: &'static str,
    prefix: &'static str,
    body: u16,
    least: usize,
    most: usize,
    check: Check,
) -> Rule {
    Rule {
        label,
        prefix,
        body,
        least,
        most,
        check,
    }
}

use Check::{Before, Crc62, Dotted, Grafana, Jwt};

/// Every kind that a prefix gives away.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    rule("secret.aws_access_key", "AKIA", UPPER_DIGIT, 16, 16),
    rule("secret.aws_access_key", "ASIA", UPPER_DIGIT, 16, 16),
    rule("secret.aws_access_key", "ABIA", UPPER_DIGIT, 16, 16),
    rule("secret.aws_access_key", "ACCA", UPPER_DIGIT, 16, 16),
    rule("secret.gcp_api_key", "AIza", BASE64_URL, 35, 35),
    rule("secret.google_oauth", "ya29.", BASE64_URL, 20, 512),
    rule("secret.google_client_secret", "GOCSPX-", BASE64_URL, 28, 28),
    rule("secret.azure_storage_key", "AccountKey=", BASE64 | EQUALS, 86, 88),
    rule("secret.azure_shared_access_key", "SharedAccessKey=", BASE64 | EQUALS, 43, 44),
    checked("secret.azure_client_secret", "8Q~", BASE64_URL | DOT, 31, 37, Before(3)),
    checked("secret.azure_client_secret", "7Q~", BASE64_URL | DOT, 31, 37, Before(3)),
    checked("secret.github_token", "ghp_", BASE62, 36, 36, Crc62),
    checked("secret.github_token", "gho_", BASE62, 36, 36, Crc62),
    checked("secret.github_token", "ghu_", BASE62, 36, 36, Crc62),
    checked("secret.github_token", "ghs_", BASE62, 36, 36, Crc62),
    checked("secret.github_token", "ghr_", BASE62, 36, 76, Crc62),
    rule("secret.github_pat", "github_pat_", WORD, 82, 82),
    rule("secret.gitlab_token", "glpat-", BASE64_URL | DOT, 20, 64),
    rule("secret.gitlab_token", "gldt-", BASE64_URL, 20, 64),
    rule("secret.gitlab_token", "glrt-", BASE64_URL | DOT, 20, 64),
    rule("secret.gitlab_token", "glptt-", HEX_LOWER, 40, 40),
    rule("secret.gitlab_token", "gloas-", HEX_LOWER, 64, 64),
    checked("secret.npm_token", "npm_", BASE62, 36, 36, Crc62),
    rule("secret.pypi_token", "pypi-AgEI", BASE64_URL, 50, 512),
    rule("secret.rubygems_key", "rubygems_", HEX_LOWER, 48, 48),
    rule("secret.crates_token", "cio", BASE62, 32, 32),
    rule("secret.slack_token", "xoxb-", BASE62 | DASH, 20, 255),
    rule("secret.slack_token", "xoxp-", BASE62 | DASH, 20, 255),
    rule("secret.slack_token", "xoxa-", BASE62 | DASH, 20, 255),
    rule("secret.slack_token", "xoxr-", BASE62 | DASH, 20, 255),
    rule("secret.slack_token", "xoxs-", BASE62 | DASH, 20, 255),
    rule("secret.slack_token", "xoxe-", BASE62 | DASH, 20, 255),
    rule("secret.slack_token", "xapp-", BASE62 | DASH, 20, 255),
    rule("secret.slack_webhook", "hooks.slack.com/services/T", BASE62 | crate::classes::PLUS_SLASH, 35, 60),
    rule("secret.discord_webhook", "discord.com/api/webhooks/", BASE64_URL | crate::classes::PLUS_SLASH, 70, 110),
    rule("secret.discord_webhook", "discordapp.com/api/webhooks/", BASE64_URL | crate::classes::PLUS_SLASH, 70, 110),
    rule("secret.stripe_key", "sk_live_", BASE62, 24, 128),
    rule("secret.stripe_key", "rk_live_", BASE62, 24, 128),
    rule("secret.stripe_test_key", "sk_test_", BASE62, 24, 128),
    rule("secret.stripe_test_key", "rk_test_", BASE62, 24, 128),
    rule("secret.stripe_webhook", "whsec_", BASE64 | EQUALS, 32, 64),
    rule("secret.openai_key", "sk-", BASE62, 32, 64),
    rule("secret.openai_key", "sk-proj-", BASE64_URL, 40, 200),
    rule("secret.openai_key", "sk-svcacct-", BASE64_URL, 40, 200),
    rule("secret.openai_key", "sk-admin-", BASE64_URL, 40, 200),
    rule("secret.anthropic_key", "sk-ant-", BASE64_URL, 40, 128),
    rule("secret.openrouter_key", "sk-or-v1-", HEX_LOWER, 64, 64),
    rule("secret.huggingface_token", "hf_", BASE62, 34, 37),
    rule("secret.groq_key", "gsk_", BASE62, 48, 56),
    rule("secret.perplexity_key", "pplx-", BASE62, 40, 56),
    rule("secret.xai_key", "xai-", BASE62, 70, 84),
    rule("secret.replicate_token", "r8_", BASE62, 37, 37),
    checked("secret.sendgrid_key", "SG.", BASE64_URL | DOT, 66, 66, Dotted(22, 43)),
    rule("secret.twilio_key", "SK", HEX_LOWER, 32, 32),
    rule("secret.mailgun_key", "key-", HEX_LOWER, 32, 32),
    checked("secret.telegram_bot_token", ":AA", BASE64_URL, 32, 33, Before(8)),
    rule("secret.shopify_token", "shpat_", HEX, 32, 32),
    rule("secret.shopify_token", "shpca_", HEX, 32, 32),
    rule("secret.shopify_token", "shppa_", HEX, 32, 32),
    rule("secret.shopify_token", "shpss_", HEX, 32, 32),
    rule("secret.digitalocean_token", "dop_v1_", HEX_LOWER, 64, 64),
    rule("secret.digitalocean_token", "doo_v1_", HEX_LOWER, 64, 64),
    rule("secret.digitalocean_token", "dor_v1_", HEX_LOWER, 64, 64),
    rule("secret.doppler_token", "dp.pt.", BASE62, 40, 48),
    rule("secret.doppler_token", "dp.st.", BASE64_URL | DOT, 40, 80),
    rule("secret.doppler_token", "dp.ct.", BASE62, 40, 48),
    rule("secret.doppler_token", "dp.sa.", BASE62, 40, 48),
    rule("secret.databricks_token", "dapi", HEX_LOWER, 32, 32),
    rule("secret.newrelic_key", "NRAK-", UPPER_DIGIT, 27, 27),
    checked("secret.grafana_token", "glsa_", WORD, 41, 41, Grafana),
    rule("secret.grafana_token", "glc_", BASE64 | EQUALS, 32, 400),
    rule("secret.linear_key", "lin_api_", BASE62, 32, 48),
    rule("secret.linear_key", "lin_oauth_", BASE62, 32, 64),
    rule("secret.notion_token", "ntn_", BASE62, 40, 50),
    rule("secret.notion_token", "secret_", BASE62, 43, 43),
    rule("secret.figma_token", "figd_", BASE64_URL, 38, 48),
    checked("secret.postman_key", "PMAK-", HEX_LOWER | DASH, 59, 59, Dotted(24, 34)),
    checked("secret.terraform_token", ".atlasv1.", BASE64_URL, 60, 70, Before(14)),
    rule("secret.vault_token", "hvs.", BASE64_URL, 24, 300),
    rule("secret.vault_token", "hvb.", BASE64_URL, 100, 300),
    rule("secret.vault_token", "hvr.", BASE64_URL, 24, 300),
    rule("secret.age_key", "AGE-SECRET-KEY-1", UPPER_DIGIT, 58, 58),
    checked("secret.jwt", "eyJ", BASE64_URL | DOT, 30, 2000, Jwt),
    rule("secret.supabase_key", "sbp_", HEX_LOWER, 40, 40),
    rule("secret.supabase_key", "sb_secret_", BASE64_URL, 31, 48),
    rule("secret.planetscale_token", "pscale_tkn_", BASE64_URL | DOT, 32, 64),
    rule("secret.planetscale_token", "pscale_pw_", BASE64_URL | DOT, 32, 64),
    rule("secret.planetscale_token", "pscale_oauth_", BASE64_URL | DOT, 32, 64),
    rule("secret.docker_token", "dckr_pat_", BASE64_URL, 27, 40),
    rule("secret.docker_token", "dckr_oat_", BASE64_URL, 27, 40),
    rule("secret.atlassian_token", "ATATT3", BASE64_URL | EQUALS, 180, 220),
    rule("secret.atlassian_token", "ATCTT3", BASE64_URL | EQUALS, 180, 220),
    rule("secret.bitbucket_password", "ATBB", BASE62, 32, 32),
    checked("secret.airtable_token", "pat", BASE62 | DOT, 79, 79, Dotted(14, 64)),
    rule("secret.sentry_token", "sntrys_", BASE64_URL | EQUALS, 60, 400),
    rule("secret.sentry_token", "sntryu_", HEX_LOWER, 64, 64),
    rule("secret.tailscale_key", "tskey-", BASE62 | DASH, 30, 90),
    rule("secret.flyio_token", "fo1_", BASE64_URL, 43, 43),
    rule("secret.dynatrace_token", "dt0c01.", UPPER_DIGIT | DOT, 89, 89),
    rule("secret.square_token", "sq0atp-", BASE64_URL, 22, 22),
    rule("secret.square_token", "sq0csp-", BASE64_URL, 43, 43),
    rule("secret.mapbox_token", "sk.eyJ", BASE64_URL | DOT, 60, 120),
    rule("secret.contentful_token", "CFPAT-", BASE64_URL, 43, 43),
    rule("secret.artifactory_key", "AKCp", BASE62, 69, 69),
    rule("secret.pulumi_token", "pul-", HEX_LOWER, 40, 40),
    rule("secret.netlify_token", "nfp_", BASE62, 36, 40),
    rule("secret.render_key", "rnd_", BASE62, 28, 36),
    rule("secret.buildkite_token", "bkua_", HEX_LOWER, 40, 40),
    rule("secret.sonar_token", "squ_", HEX_LOWER, 40, 40),
    rule("secret.readme_key", "rdme_", BASE62, 70, 70),
    rule("secret.typeform_token", "tfp_", BASE64_URL | DOT, 40, 64),
];
