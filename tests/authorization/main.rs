//! Access tokens at the doors to tool servers: which are taken, what is said of the others, and that none goes any further.

mod issuer;

use issuer::{Issuer, Signer, b64, in_seconds};
use sallyport_mcp_fixture::Fixture;
use sallyport_tests::{Answer, Ask, Gateway, RED_KEY, Running};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the tests call the gateway; where it listens does not matter to tokens.
const RESOURCE: &str = "https://gateway.example.com";
/// A user whom no log and no other server should hear of in passing.
const SUBJECT: &str = "alice@example.com";

/// A gateway, whom it trusts, and the tool server behind it.
struct Scene {
    gateway: Running,
    issuer: Issuer,
    signers: [Signer; 3],
    _fixture: Fixture,
    /// All bytes that the tool server was sent.
    wire: Arc<Mutex<Vec<u8>>>,
}

impl Scene {
    async fn start() -> Scene {
        Scene::with("", &[]).await
    }

    /// With more lines for the issuer, and policies.
    async fn with(more: &str, policies: &[(&str, &str)]) -> Scene {
        let signers = [Signer::rsa(), Signer::curve(), Signer::edwards()];
        let keys = json!([signers[0].jwk("rsa"), signers[1].jwk("curve"), signers[2].jwk("edwards"),
            {"kty": "future", "kid": "odd"}]);
        let issuer = Issuer::start(keys).await;
        let fixture = Fixture::start().await.expect("a fixture");
        let wire = Arc::default();
        let tapped = tap(fixture.address(), &wire).await;
        let config = format!(
            "upstreams: {{}}
tool_servers:
  files: {{url: 'http://{tapped}/mcp', key: key-of-the-gateway, scopes: ['files:read', 'files:list'], teams: [red]}}
  open: {{url: 'http://{tapped}/mcp'}}
authorization:
  resource: {RESOURCE}/
  scopes_supported: [profile]
  issuers:
    - name: corp
      issuer: {}
      claims: [groups, level]
{more}
",
            issuer.url(),
        );
        let team = if more.contains("team") {
            ""
        } else {
            "      team: red\n"
        };
        let config = config.replace("      claims:", &format!("{team}      claims:"));
        let mut gateway = Gateway::with_config(&config);
        for (file, text) in policies {
            gateway = gateway.policy(file, text);
        }
        Scene {
            gateway: gateway.start().await,
            issuer,
            signers,
            _fixture: fixture,
            wire,
        }
    }

    /// Claims of a good token.
    fn claims(&self) -> Value {
        json!({"iss": self.issuer.url(), "aud": format!("{RESOURCE}/mcp/files"), "sub": SUBJECT,
            "client_id": "cli", "scope": "files:read files:list", "exp": in_seconds(300), "nbf": in_seconds(0),
            "groups": ["b", "a"], "level": 3})
    }

    /// A good token, but for these claims.
    fn token(&self, changed: Value) -> String {
        let claims = merged(self.claims(), changed).to_string();
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "curve"});
        self.signers[1].token(&header.to_string(), &claims)
    }

    async fn ask(&self, path: &str, token: &str) -> Answer {
        self.gateway.ask(initialize(path).key(token)).await
    }
}

/// With some members changed; null takes one out.
fn merged(mut object: Value, changed: Value) -> Value {
    for (key, value) in changed.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(object.as_object_mut().expect("an object").remove(key)),
            value => object[key] = value.clone(),
        }
    }
    object
}

fn initialize(path: &str) -> Ask {
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}});
    call(path, 1, "initialize", params)
}

fn call(path: &str, id: u32, method: &str, params: Value) -> Ask {
    let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    Ask::post(path, body.to_string()).header("accept", "application/json, text/event-stream")
}

fn challenge(answer: &Answer) -> String {
    answer.header("www-authenticate").unwrap_or_default()
}

/// A relay before a server that writes down what it passes on.
async fn tap(server: std::net::SocketAddr, wire: &Arc<Mutex<Vec<u8>>>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let wire = wire.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(server).await.expect("the server");
            let ((mut from, mut back), (mut answers, mut to)) =
                (client.into_split(), server.into_split());
            let wire = wire.clone();
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 << 10];
                while let Ok(length @ 1..) = from.read(&mut bytes).await {
                    wire.lock()
                        .expect("bytes")
                        .extend_from_slice(&bytes[..length]);
                    if to.write_all(&bytes[..length]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_is_a_caller_whom_policies_know() {
    let labels = r#"package sallyport.teams.red

default allow := false

allow if input.caller.labels == {"iss": input.caller.labels.iss, "sub": "alice@example.com", "client_id": "cli",
	"scope": "files:list files:read", "groups": "b a", "level": "3"}
"#;
    let mut scene = Scene::with("", &[("red.rego", labels)]).await;
    for (signer, kid) in scene.signers.iter().zip(["rsa", "curve", "edwards"]) {
        for (header, aud) in [
            (json!({}), json!(format!("{RESOURCE}/mcp/files"))),
            (
                json!({"typ": "JWT"}),
                json!([RESOURCE, "https://elsewhere"]),
            ),
            (
                json!({"typ": "application/AT+JWT"}),
                json!(format!("{RESOURCE}/")),
            ),
        ] {
            let header = merged(json!({"alg": signer.algorithm(), "kid": kid}), header);
            let claims = merged(scene.claims(), json!({"aud": aud})).to_string();
            let answer = scene
                .ask("/mcp/files", &signer.token(&header.to_string(), &claims))
                .await;
            assert_eq!(answer.status, 200, "{header}: {}", answer.text());
            assert!(answer.text().contains("serverInfo"), "{}", answer.text());
            let record = scene.gateway.record().await;
            assert_eq!(
                record["caller"],
                json!({"team": "red", "agent": SUBJECT, "key": "corp"})
            );
        }
    }
    assert_eq!(scene.issuer.asked("/keys"), 1, "keys are kept");
}

/// What is changed in a good token: members of its header and its claims, or all of it.
enum Bad {
    Header(Value),
    Claims(Value),
    Whole(String),
}

/// Each with its code.
fn bad_tokens(scene: &Scene) -> Vec<(Bad, &'static str)> {
    use Bad::{Claims, Header, Whole};
    let (good, claims) = (scene.token(json!({})), scene.claims().to_string());
    let (body, signature) = good.rsplit_once('.').expect("three parts");
    let stranger = Signer::curve().token(r#"{"alg":"ES256","kid":"curve"}"#, &claims);
    let jwk = scene.signers[0].jwk("rsa");
    let n = jwk["n"].as_str().expect("a modulus").as_bytes().to_vec();
    let confused = Signer::Hs256(n).token(r#"{"alg":"HS256","kid":"rsa"}"#, &claims);
    let none = Signer::None.token(r#"{"alg":"none"}"#, &claims);
    let twice = scene.signers[1].token(
        r#"{"alg":"ES256","kid":"curve"}"#,
        &claims.replacen('{', r#"{"aud":"x","#, 1),
    );
    let two_algorithms =
        scene.signers[1].token(r#"{"alg":"none","alg":"ES256","kid":"curve"}"#, &claims);
    let array = scene.signers[1].token(r#"{"alg":"ES256","kid":"curve"}"#, "[]");
    vec![
        (Header(json!({"kid": "gone"})), "token_key"),
        (Header(json!({"kid": "rsa"})), "token_key"),
        (Header(json!({"kid": "k".repeat(600)})), "token_key"),
        (Header(json!({"kid": 1})), "token_malformed"),
        (Header(json!({"alg": "ES384"})), "token_algorithm"),
        (Header(json!({"alg": "HS256"})), "token_algorithm"),
        (Header(json!({"alg": "NONE"})), "token_algorithm"),
        (Header(json!({"alg": null})), "token_malformed"),
        (Header(json!({"typ": "dpop+jwt"})), "token_type"),
        (Header(json!({"typ": "logout+jwt"})), "token_type"),
        (Header(json!({"crit": ["b64"], "b64": false})), "token_type"),
        (Header(json!({"cty": "JWT"})), "token_type"),
        (
            Claims(json!({"iss": "https://evil.example"})),
            "token_issuer",
        ),
        (Claims(json!({"iss": [scene.issuer.url()]})), "token_issuer"),
        (Claims(json!({"iss": null})), "token_issuer"),
        (
            Claims(json!({"aud": "https://other.example/mcp/files"})),
            "token_audience",
        ),
        (
            Claims(json!({"aud": format!("{RESOURCE}/mcp")})),
            "token_audience",
        ),
        (
            Claims(json!({"aud": format!("{RESOURCE}/mcp/open")})),
            "token_audience",
        ),
        (Claims(json!({"aud": null})), "token_audience"),
        (Claims(json!({"aud": []})), "token_audience"),
        (Claims(json!({"exp": in_seconds(-60)})), "token_expired"),
        (Claims(json!({"exp": null})), "token_claims"),
        (Claims(json!({"exp": "never"})), "token_claims"),
        (Claims(json!({"nbf": in_seconds(120)})), "token_not_yet"),
        (Claims(json!({"nbf": "later"})), "token_claims"),
        (
            Claims(json!({"sub": null, "client_id": null})),
            "token_claims",
        ),
        (Claims(json!({"sub": "a\nb"})), "token_claims"),
        (Claims(json!({"cnf": {"jkt": "x"}})), "token_bound"),
        (Whole(stranger), "token_signature"),
        (Whole(confused), "token_algorithm"),
        (Whole(none), "token_algorithm"),
        (Whole(twice), "token_malformed"),
        (Whole(two_algorithms), "token_malformed"),
        (Whole(array), "token_malformed"),
        (Whole(format!("{body}.")), "token_signature"),
        (Whole(format!("{good}.{signature}")), "token_malformed"),
        (Whole(format!("{good}=")), "token_malformed"),
        (Whole(format!("{}.{}.x", b64("{}"), "!")), "token_malformed"),
        (Whole("opaque-and-unknown".into()), "token_malformed"),
        (Whole("a.".repeat(4096) + "b"), "token_too_large"),
        (
            Whole(format!("{}.{}.x", b64("[".repeat(3000)), b64("{}"))),
            "token_malformed",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_refused_each_with_its_code() {
    let mut scene = Scene::start().await;
    let good = scene.ask("/mcp/files", &scene.token(json!({}))).await;
    assert_eq!(good.status, 200, "{}", good.text());
    scene.gateway.record().await;
    for (bad, code) in bad_tokens(&scene) {
        let header = json!({"alg": "ES256", "kid": "curve"});
        let (token, told) = match bad {
            Bad::Claims(changed) => (scene.token(changed.clone()), changed.to_string()),
            Bad::Header(changed) => {
                let header = merged(header, changed.clone()).to_string();
                let token = scene.signers[1].token(&header, &scene.claims().to_string());
                (token, changed.to_string())
            }
            Bad::Whole(token) => (token.clone(), token),
        };
        let answer = scene.ask("/mcp/files", &token).await;
        let said = answer.text();
        assert_eq!(answer.status, 401, "{code}, {told}: {said}");
        let record = scene.gateway.record().await;
        assert_eq!(record["failure"]["code"], code, "{told}: {said}");
        assert_eq!(record["failure"]["blame"], "agent", "{told}");
        assert_eq!(
            challenge(&answer),
            format!(
                "Bearer error=\"invalid_token\", resource_metadata=\"{RESOURCE}/.well-known/oauth-protected-resource/mcp/files\", \
                 scope=\"files:list files:read\""
            ),
        );
        let record = record.to_string();
        for text in [&*said, &*record, &*answer.head] {
            assert!(!text.contains(&token) && !text.contains(SUBJECT), "{text}");
        }
    }
    assert!(
        scene.wire.lock().expect("bytes").len() < 20_000,
        "nothing of this reached the tool server"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_are_told_to_everybody_a_document_a_door() {
    let scene = Scene::start().await;
    let page = |door: &str| {
        let path = format!("/.well-known/oauth-protected-resource{door}");
        scene.gateway.ask(Ask::get(&path).no_key())
    };
    for (door, scopes) in [
        ("", json!(["files:list", "files:read", "profile"])),
        ("/mcp", json!(["files:list", "files:read", "profile"])),
        ("/mcp/files", json!(["files:list", "files:read", "profile"])),
        ("/mcp/open", json!(["profile"])),
    ] {
        let answer = page(door).await;
        assert_eq!(answer.status, 200, "{door}: {}", answer.text());
        assert_eq!(
            answer.header("content-type").as_deref(),
            Some("application/json")
        );
        let expected = json!({"resource": format!("{RESOURCE}{door}"), "authorization_servers": [scene.issuer.url()],
            "bearer_methods_supported": ["header"], "scopes_supported": scopes});
        assert_eq!(answer.json(), expected);
    }
    for door in ["/mcp/none", "/mcp/files/x", "/v1/models", "x"] {
        assert_eq!(page(door).await.status, 404, "{door}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_there_is_no_metadata_and_a_plain_challenge() {
    let config = "upstreams: {}\ntool_servers: {files: {url: 'http://127.0.0.1:1/mcp'}}\n";
    let gateway = Gateway::with_config(config).start().await;
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(gateway.ask(Ask::get(&path).no_key()).await.status, 404);
    }
    for ask in [
        initialize("/mcp").no_key(),
        initialize("/mcp/files").key("sp-unknown"),
    ] {
        let answer = gateway.ask(ask).await;
        assert_eq!((answer.status, &*challenge(&answer)), (401, "Bearer"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told() {
    let scene = Scene::start().await;
    let metadata = |door| {
        format!("resource_metadata=\"{RESOURCE}/.well-known/oauth-protected-resource{door}\"")
    };
    let scopes = "scope=\"files:list files:read\"";

    let nobody = scene.gateway.ask(initialize("/mcp").no_key()).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(
        challenge(&nobody),
        format!("Bearer {}, {scopes}", metadata("/mcp"))
    );
    let nowhere = scene.gateway.ask(initialize("/mcp/none").no_key()).await;
    assert_eq!(challenge(&nowhere), format!("Bearer {}", metadata("")));

    for (door, token) in [
        ("/mcp/files", json!({"scope": "files:read profile"})),
        (
            "/mcp/files",
            json!({"scope": "FILES:READ files:readfiles:list"}),
        ),
        ("/mcp/files", json!({"scope": null})),
        ("/mcp", json!({"scope": "files:read", "aud": RESOURCE})),
    ] {
        let answer = scene.ask(door, &scene.token(token.clone())).await;
        assert_eq!(answer.status, 403, "{door} {token}: {}", answer.text());
        let error = "error=\"insufficient_scope\"";
        assert_eq!(
            challenge(&answer),
            format!("Bearer {error}, {}, {scopes}", metadata(door))
        );
    }
    let open = scene.token(json!({"scope": null, "aud": RESOURCE}));
    assert_eq!(scene.ask("/mcp/open", &open).await.status, 200);
    let entra = scene.token(json!({"scope": null, "scp": ["files:read", "files:list"]}));
    assert_eq!(scene.ask("/mcp/files", &entra).await.status, 200);
    // A key of the operator's needs no scopes.
    assert_eq!(scene.ask("/mcp/files", RED_KEY).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_in_the_header() {
    let scene = Scene::start().await;
    let token = scene.token(json!({}));
    let twice = initialize("/mcp/files")
        .key(&token)
        .header("authorization", &format!("Bearer {token}"));
    let beside = initialize("/mcp/files")
        .key(&token)
        .header("x-api-key", RED_KEY);
    for ask in [twice, beside] {
        let answer = scene.gateway.ask(ask).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(challenge(&answer).contains("error=\"invalid_request\""));
    }
    for ask in [
        initialize(&format!("/mcp/files?access_token={token}")).no_key(),
        initialize("/mcp/files?a=b&access_token=x").key(&token),
    ] {
        let answer = scene.gateway.ask(ask).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains(&token));
    }
    // Models are asked with keys.
    assert_eq!(
        scene.gateway.ask(Ask::chat("x").key(&token)).await.status,
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_no_further() {
    let scene = Scene::start().await;
    let token = scene.token(json!({}));
    let begun = scene.ask("/mcp/files", &token).await;
    let session = begun.header("mcp-session-id").expect("a session");
    let ask = call("/mcp/files", 2, "tools/list", json!({}))
        .key(&token)
        .header("mcp-session-id", &session)
        .header("mcp-protocol-version", "2025-11-25");
    let listed = scene.gateway.ask(ask).await;
    assert!(listed.text().contains("inputSchema"), "{}", listed.text());
    let wire = String::from_utf8_lossy(&scene.wire.lock().expect("bytes")).into_owned();
    assert!(wire.contains("tools/list"), "{wire}");
    assert!(wire.contains("Bearer key-of-the-gateway"), "{wire}");
    for part in token.split('.').chain([SUBJECT]) {
        assert!(!wire.contains(part), "{wire}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_principals_alone() {
    let scene = Scene::start().await;
    let begun = scene.ask("/mcp/files", &scene.token(json!({}))).await;
    let session = begun.header("mcp-session-id").expect("a session");
    let follow = |key: String| {
        let ask = call("/mcp/files", 2, "ping", json!({})).key(&key);
        let ask = ask.header("mcp-session-id", &session);
        scene
            .gateway
            .ask(ask.header("mcp-protocol-version", "2025-11-25"))
    };
    for (other, claims) in [
        ("another user", json!({"sub": "bob"})),
        ("another client", json!({"client_id": "other"})),
        (
            "other rights",
            json!({"scope": "files:read files:list admin"}),
        ),
    ] {
        let answer = follow(scene.token(claims)).await;
        assert_eq!(answer.status, 404, "{other}: {}", answer.text());
    }
    assert_eq!(follow(RED_KEY.into()).await.status, 404);
    // The same one, with a token that was issued later and lists its scopes otherwise.
    let renewed = json!({"exp": in_seconds(900), "jti": "2", "scope": "files:list files:read"});
    let answer = follow(scene.token(renewed)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_turn_over_and_the_issuer_is_not_pestered() {
    let scene = Scene::start().await;
    let old = scene.token(json!({}));
    let first = (0..8).map(|_| scene.ask("/mcp/files", &old));
    for answer in join(first.collect()).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(scene.issuer.asked("/keys"), 1, "one asks, the others wait");

    let fresh = Signer::edwards();
    scene
        .issuer
        .page("/keys", 200, &json!({"keys": [fresh.jwk("fresh")]}));
    let header = r#"{"alg":"EdDSA","kid":"fresh"}"#;
    let new = fresh.token(header, &scene.claims().to_string());
    for _ in 0..20 {
        assert_eq!(scene.ask("/mcp/files", &new).await.status, 401);
    }
    assert_eq!(scene.issuer.asked("/keys"), 1, "it was asked just now");
    tokio::time::sleep(Duration::from_millis(5200)).await;
    assert_eq!(scene.ask("/mcp/files", &new).await.status, 200);
    assert_eq!(scene.ask("/mcp/files", &old).await.status, 401, "withdrawn");

    // From now on it fails: the keys that are known go on.
    scene.issuer.page("/keys", 500, &json!({}));
    tokio::time::sleep(Duration::from_millis(5200)).await;
    assert_eq!(scene.ask("/mcp/files", &old).await.status, 401);
    assert_eq!(scene.issuer.asked("/keys"), 3);
    assert_eq!(scene.ask("/mcp/files", &new).await.status, 200);
}

/// All at once.
async fn join<T: Send>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        match futures.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_cannot_be_asked_or_lies_opens_nothing() {
    let place = "/.well-known/openid-configuration";
    let lies = |scene: &Scene| {
        let keys = format!("{}/keys", scene.issuer.url());
        let url = scene.issuer.url();
        vec![
            (place, 500, json!({})),
            (
                place,
                200,
                json!({"issuer": "https://honest.example", "jwks_uri": keys}),
            ),
            (
                place,
                200,
                json!({"issuer": format!("{url}/"), "jwks_uri": keys}),
            ),
            (
                place,
                200,
                json!({"issuer": url, "jwks_uri": "http://203.0.113.1/keys"}),
            ),
            (place, 200, json!({"issuer": url})),
            (place, 302, json!({})),
            ("/keys", 302, json!({})),
            ("/keys", 200, json!({"keys": []})),
            ("/keys", 200, json!({"keys": "x".repeat(300 << 10)})),
        ]
    };
    for index in 0..9 {
        let mut scene = Scene::start().await;
        let (path, status, document) = lies(&scene).remove(index);
        scene.issuer.page(path, status, &document);
        let answer = scene.ask("/mcp/files", &scene.token(json!({}))).await;
        assert_eq!(answer.status, 503, "{index}: {}", answer.text());
        let record = scene.gateway.record().await;
        assert_eq!(record["failure"]["code"], "issuer_unavailable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_names_the_team_only_among_those_that_it_may() {
    let more = "      team_claim: unit\n      teams: [blue]\n      agent_claim: client_id\n      audience: api://tools\n      algorithms: [EdDSA]";
    let mut scene = Scene::with(more, &[]).await;
    let header = r#"{"alg":"EdDSA","kid":"edwards"}"#;
    let good = json!({"unit": "blue", "aud": "api://tools", "scope": null});
    for (claims, status) in [
        (json!({}), 200),
        (json!({"unit": "red"}), 401),
        (json!({"unit": null}), 401),
        (json!({"unit": ["blue"]}), 401),
        (json!({"client_id": null}), 401),
        (json!({"aud": format!("{RESOURCE}/mcp/open")}), 401),
    ] {
        let claims = merged(merged(scene.claims(), good.clone()), claims);
        let token = scene.signers[2].token(header, &claims.to_string());
        let answer = scene.ask("/mcp/open", &token).await;
        assert_eq!(answer.status, status, "{claims}: {}", answer.text());
        let record = scene.gateway.record().await;
        if status == 200 {
            assert_eq!(
                record["caller"],
                json!({"team": "blue", "agent": "cli", "key": "corp"})
            );
        }
    }
    // Not among the algorithms of this issuer.
    let other = merged(scene.claims(), good).to_string();
    let token = scene.signers[1].token(r#"{"alg":"ES256","kid":"curve"}"#, &other);
    assert_eq!(scene.ask("/mcp/open", &token).await.status, 401);
    assert_eq!(
        scene.gateway.record().await["failure"]["code"],
        "token_algorithm"
    );
}
