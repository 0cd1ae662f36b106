//! For every `secret.*` and `pii.*` label something it is found in, and something close it is not.

mod planted;

use planted::{base64, github, hexes, letters, private_key, web_token};
use sallyport_detect::{Detectors, labels};
use sallyport_exchange::{Author, Filter, Kind, PartId, PartView, Report};

fn finds(label: &str, text: &str) -> bool {
    let (id, kind, author) = (PartId(0), Kind::ToolResult, Author::Tool);
    let part = PartView {
        id,
        json: None,
        kind,
        author,
        tool: None,
        text,
    };
    let mut findings = Vec::new();
    Detectors::default().inspect(&part, &mut Report::new(part.id, &mut findings));
    findings.iter().any(|finding| finding.label.0 == label)
}

/// A beginning and what must follow it; cut short by half it is a near miss.
#[rustfmt::skip]
fn prefixed() -> Vec<(&'static str, &'static str, String)> {
    let upper = |count: usize| letters(count).to_ascii_uppercase();
    let dotted = |first: usize, second: usize| format!("{}.{}", letters(first), letters(second));
    vec![
        ("aws_access_key", "AKIA", upper(16)), ("gcp_api_key", "AIza", letters(35)), ("google_oauth", "ya29.", letters(60)),
        ("google_client_secret", "GOCSPX-", letters(28)), ("azure_storage_key", "AccountKey=", letters(86) + "=="),
        ("azure_shared_access_key", "SharedAccessKey=", letters(43) + "="), ("azure_client_secret", "abc8Q~", letters(34)),
        ("github_pat", "github_pat_", letters(82)), ("gitlab_token", "glpat-", letters(20)), ("npm_token", "npm_", letters(36)),
        ("pypi_token", "pypi-AgEI", letters(80)), ("rubygems_key", "rubygems_", hexes(48)), ("crates_token", "cio", letters(32)),
        ("slack_token", "xoxb-", letters(30)), ("slack_webhook", "hooks.slack.com/services/T", format!("{}/B{}/{}", upper(8), upper(8), letters(24))),
        ("discord_webhook", "discord.com/api/webhooks/", format!("123456789012345678/{}", letters(68))),
        ("stripe_key", "sk_live_", letters(24)), ("stripe_test_key", "sk_test_", letters(24)), ("stripe_webhook", "whsec_", letters(32)),
        ("openai_key", "sk-", letters(48)), ("anthropic_key", "sk-ant-", letters(60)), ("openrouter_key", "sk-or-v1-", hexes(64)),
        ("huggingface_token", "hf_", letters(34)), ("groq_key", "gsk_", letters(52)), ("perplexity_key", "pplx-", letters(48)),
        ("xai_key", "xai-", letters(80)), ("replicate_token", "r8_", letters(37)), ("sendgrid_key", "SG.", dotted(22, 43)),
        ("twilio_key", "SK", hexes(32)), ("mailgun_key", "key-", hexes(32)), ("telegram_bot_token", "123456789:AA", letters(33)),
        ("shopify_token", "shpat_", hexes(32)), ("digitalocean_token", "dop_v1_", hexes(64)), ("doppler_token", "dp.pt.", letters(43)),
        ("databricks_token", "dapi", hexes(32)), ("newrelic_key", "NRAK-", upper(27)), ("grafana_token", "glc_", letters(60)),
        ("linear_key", "lin_api_", letters(40)), ("notion_token", "ntn_", letters(46)), ("figma_token", "figd_", letters(40)),
        ("postman_key", "PMAK-", format!("{}-{}", hexes(24), hexes(34))), ("terraform_token", "q8Zt3VbN1mXy7L.atlasv1.", letters(67)),
        ("vault_token", "hvs.", letters(90)), ("age_key", "AGE-SECRET-KEY-1", upper(58)), ("supabase_key", "sbp_", hexes(40)),
        ("planetscale_token", "pscale_tkn_", letters(43)), ("docker_token", "dckr_pat_", letters(27)), ("atlassian_token", "ATATT3", letters(190)),
        ("bitbucket_password", "ATBB", letters(32)), ("airtable_token", "pat", dotted(14, 64)), ("sentry_token", "sntrys_", letters(90)),
        ("tailscale_key", "tskey-", format!("auth-{}", letters(40))), ("flyio_token", "fo1_", letters(43)),
        ("dynatrace_token", "dt0c01.", format!("{}.{}", upper(24), upper(64))), ("square_token", "sq0atp-", letters(22)),
        ("mapbox_token", "sk.eyJ", letters(80)), ("contentful_token", "CFPAT-", letters(43)), ("artifactory_key", "AKCp", letters(69)),
        ("pulumi_token", "pul-", hexes(40)), ("netlify_token", "nfp_", letters(38)), ("render_key", "rnd_", letters(32)),
        ("buildkite_token", "bkua_", hexes(40)), ("sonar_token", "squ_", hexes(40)), ("readme_key", "rdme_", letters(70)),
        ("typeform_token", "tfp_", letters(50)),
    ]
}

/// A label, a text it is found in, and one it is not.
#[rustfmt::skip]
fn others() -> Vec<(&'static str, String, String)> {
    let row = |label: &'static str, found: &str, missed: &str| (label, found.to_owned(), missed.to_owned());
    let named = |name: &str, value: String| format!("{name}: \"{value}\"");
    let kubernetes = || {
        let part = |text: &str| base64(text).trim_end_matches('=').to_owned();
        format!("{}.{}.{}", part("{\"alg\":\"RS256\"}"), part("{\"iss\":\"kubernetes/serviceaccount\"}"), letters(43))
    };
    let account = format!("\"private_key_id\": \"1\", \"private_key\": \"{}\"", private_key());
    let spoilt = |text: String| format!("{}~", &text[..text.len() - 9]);
    vec![
        ("secret.github_token", github(), spoilt(github())),
        ("secret.jwt", web_token(), spoilt(web_token())[..60].to_owned()),
        ("secret.kubernetes_token", kubernetes(), web_token()),
        ("secret.private_key", private_key(), private_key().replace("PRIVATE", "PUBLIC")),
        ("secret.gcp_service_account", account, private_key()),
        ("secret.aws_secret_key", named("aws_secret_access_key", letters(40)), named("aws_secret_access_key", letters(39))),
        ("secret.cloudflare_token", named("cloudflare_api_token", letters(40)), named("cloudflare_api_token", letters(30))),
        ("secret.datadog_key", named("datadog_api_key", hexes(32)), named("datadog_api_key", hexes(31))),
        ("secret.discord_bot_token", named("discord_token", format!("{}.{}.{}", letters(24), letters(6), letters(30))), named("discord_token", letters(62))),
        ("secret.basic_auth", format!("Authorization: Basic {}", base64("admin:hunt3r!Qq")), format!("Basic {}", base64("no colon in it"))),
        ("secret.bearer_token", format!("Bearer {}", letters(40)), "Bearer of all the bad news".into()),
        ("secret.database_url", format!("postgres://app:{}@db:5432/x", letters(12)), "postgres://db:5432/x".into()),
        ("secret.url_password", format!("https://app:{}@example.net/", letters(12)), "https://app@example.net/".into()),
        ("secret.generic", named("api_key", letters(32)), named("api_key", "abcabcabcabcabcabcabcabc".into())),
        row("secret.password", "password: \"hunt3r!Qq\"", "password: \"string\""),
        row("pii.br_cpf", "529.982.247-25", "529.982.247-26"),
        row("pii.card", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        row("pii.de_steuer_id", "Steuer-ID 86095742719", "Steuer-ID 86095742718"),
        row("pii.email", "jane.doe@corp-mail.org", "jane.doe@corp-mail"),
        row("pii.es_dni", "12345678Z", "12345678A"),
        row("pii.fr_nir", "1 85 05 78 006 084 91", "1 85 05 78 006 084 92"),
        row("pii.iban", "DE89 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
        row("pii.in_aadhaar", "2341 2341 2346", "2341 2341 2347"),
        row("pii.ip", "93.184.216.34", "192.168.216.34"),
        row("pii.it_codice_fiscale", "RSSMRA85T10A562S", "RSSMRA85T10A562X"),
        row("pii.nl_bsn", "BSN 111222333", "BSN 111222334"),
        row("pii.phone", "+49 170 1234567", "+49 170"),
        row("pii.uk_nino", "AB123456C", "AB123456E"),
        row("pii.us_ssn", "123-45-6789", "666-45-6789"),
    ]
}

#[test]
fn every_label_finds_its_own_and_leaves_what_is_close() {
    let mut seen: Vec<String> = Vec::new();
    for (name, prefix, body) in prefixed() {
        let label = format!("secret.{name}");
        let cut = &body[..body.len() / 2];
        assert!(
            finds(&label, &format!("x {prefix}{body} y")),
            "{label} is not found"
        );
        assert!(
            !finds(
                &label,
                &format!("x {prefix}{} y", &cut[..cut.len().min(15)])
            ),
            "{label} is found in half of one"
        );
        seen.push(label);
    }
    for (label, found, missed) in others() {
        assert!(
            finds(label, &format!("x {found} y")),
            "{label} is not found in {found}"
        );
        assert!(
            !finds(label, &format!("x {missed} y")),
            "{label} is found in {missed}"
        );
        seen.push(label.to_owned());
    }
    for (label, _) in labels()
        .iter()
        .filter(|(label, _)| label.starts_with("secret.") || label.starts_with("pii."))
    {
        assert!(seen.iter().any(|seen| seen == label), "{label} has no row");
    }
}
