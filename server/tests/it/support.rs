//! A server on a free port with a database, a data folder and a collector of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use amplitude_local::StateLocation;
use backend::clock::Clock;
use backend::config::Config;
use db::testing::TestDb;
use db::{Engine, Statement};
use lab::LabEnvironment;
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::Value;
use server::{Server, StartError, Timing};
use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::browser::Browser;
use crate::logs::LogWatch;

/// How long anything may take that a test waits for. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The app behind a proxy on this machine, which names the client in `X-Forwarded-For`.
pub const BEHIND_PROXY: [(&str, &str); 2] = [("TRUSTED_PROXIES", "127.0.0.1"), ("SEAMLINE_LOCAL", "remote")];

/// Looks until there is something to see.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Real keys of an https site. No server listens at the mail server, so mails stay pending.
pub const REAL_KEYS: [(&str, &str); 6] = [
    ("PUBLIC_URL", "https://demo.example"),
    ("TRUSTED_PROXIES", "127.0.0.1"),
    ("AMPLITUDE_API_KEY", "0123456789abcdef0123456789abcdef"),
    ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
    ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789"),
    ("SMTP_URL", "smtp://127.0.0.1:9"),
];

/// A running server. It stops with the test.
pub struct TestApp {
    pub url: String,
    pub collector: Collector,
    /// The key in the page.
    pub public_key: String,
    /// The key that the collector takes.
    pub api_key: String,
    pub database: TestDb,
    /// What scenarios run against, in local mode.
    pub lab: Option<LabEnvironment>,
    client: Client,
    stop: CancellationToken,
    running: JoinHandle<Result<(), StartError>>,
    _data: TempDir,
    _logs: LogWatch,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(Engine::Sqlite, &[]).await
    }

    pub async fn on(engine: Engine) -> Self {
        Self::with(engine, &[]).await
    }

    /// With more variables set.
    pub async fn with(engine: Engine, variables: &[(&str, &str)]) -> Self {
        Self::made(engine, variables, Timing::default()).await
    }

    /// With real keys, and more variables.
    pub async fn with_keys(variables: &[(&str, &str)]) -> Self {
        Self::with(Engine::Sqlite, &[&REAL_KEYS, variables].concat()).await
    }

    /// With another clock, and more variables.
    pub async fn with_clock(engine: Engine, variables: &[(&str, &str)], clock: Clock) -> Self {
        let timing = Timing {
            clock,
            ..Timing::default()
        };
        Self::made(engine, variables, timing).await
    }

    /// With other waits.
    pub async fn timed(engine: Engine, timing: Timing) -> Self {
        Self::made(engine, &[], timing).await
    }

    async fn made(engine: Engine, variables: &[(&str, &str)], timing: Timing) -> Self {
        let logs = LogWatch::start();
        let data = tempfile::tempdir().unwrap();
        let database = TestDb::new(engine).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let amplitude_url = format!("http://{address}");
        let settings = [
            ("LEPTOS_SITE_ADDR", "127.0.0.1:0"),
            ("AMPLITUDE_URL", &amplitude_url),
            ("DRAIN_SECS", "0"),
            ("STRIPE_LOCAL_ADDR", "127.0.0.1:0"),
            ("COOKIE_KEY", "a key for tests, 32 bytes or more"),
            ("DATABASE_URL", &database.url),
            ("DATA_DIR", data.path().to_str().unwrap()),
        ];
        let config = Config::read(|name| {
            let of = |pairs: &[(&str, &str)]| {
                let found = pairs.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            of(variables).or_else(|| of(&settings))
        })
        .unwrap();
        let api_key = config.amplitude.api_key.expose_secret().to_owned();
        let public_key = config.amplitude.public_key.clone();

        let server = Server::start_with(config, timing).await.unwrap();
        let lab = server.lab().environment();
        let url = format!("http://{}", server.address().unwrap());
        let public = variables.iter().find(|(name, _)| *name == "PUBLIC_URL");
        let public = public.map_or(url.as_str(), |(_, url)| url);
        assert_eq!(server.public_url().as_str(), format!("{public}/"));
        let stop = CancellationToken::new();
        let running = tokio::spawn(server.run(stop.clone()));
        let client = http_browser::client().unwrap();
        let collector = Collector {
            address,
            api_key: api_key.clone(),
            file: data.path().join("amplitude.db"),
            client: client.clone(),
            serving: None,
        };
        let mut app = Self {
            url,
            collector,
            public_key,
            api_key,
            database,
            lab,
            client,
            stop,
            running,
            _data: data,
            _logs: logs,
        };
        app.collector.serve_on(listener).await;
        app
    }

    /// A browser that has never been here.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.client, &self.url)
    }

    /// The session in a document's boot data has an account; this is its ID.
    pub async fn user(&self, email: &str) -> String {
        let id = sqlx::query_scalar("SELECT id FROM users WHERE email_key = $1").bind(email.to_lowercase());
        id.fetch_one(self.database.db.pool()).await.unwrap()
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {table}")).await
    }

    pub async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.database.db.pool())
            .await
            .unwrap()
    }

    /// The first column of each row.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_all(self.database.db.pool())
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub async fn execute(&self, sql: &str) {
        let statement = Statement::new(AssertSqlSafe(sql.to_owned()));
        self.database.db.execute([statement]).await.unwrap();
    }

    /// Records a paid invoice of the user, without its event.
    pub async fn pay(&self, user: &str) {
        let customer = format!(
            "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_{user}', '{user}', 1795000000000)"
        );
        self.execute(&customer).await;
        let invoice = format!(
            "INSERT INTO paid_invoices (id, customer_id, subscription_id, currency, amount_paid, paid_at)
             VALUES ('in_{user}', 'cus_{user}', 'sub_{user}', 'usd', 500, 1795000000)"
        );
        self.execute(&invoice).await;
    }

    /// Nothing that an attacker sent has become anything.
    pub async fn assert_untouched(&self) {
        for table in [
            "users",
            "logins",
            "login_cookies",
            "polls",
            "poll_options",
            "outbox",
        ] {
            assert_eq!(self.count(table).await, 0, "{table}");
        }
    }

    /// Asks the server to stop, and waits until it has.
    pub async fn stop(self) -> (Collector, TestDb, TempDir) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        (self.collector, self.database, self._data)
    }

    /// Asks the server to stop, and does not wait.
    pub fn begin_to_stop(&self) {
        self.stop.cancel();
    }
}

/// The stand-in for Amplitude, which can go away and come back under its address.
pub struct Collector {
    address: SocketAddr,
    api_key: String,
    file: std::path::PathBuf,
    client: Client,
    serving: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Collector {
    async fn serve_on(&mut self, listener: TcpListener) {
        let settings = amplitude_local::CollectorSettings {
            state: StateLocation::File(self.file.clone()),
            api_key: Some(self.api_key.clone()),
            plan: Some(tracking::catalog::plan_schema()),
            ..amplitude_local::CollectorSettings::default()
        };
        let collector = amplitude_local::open(settings).await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            amplitude_local::serve(listener, collector, stopped)
                .await
                .unwrap();
        });
        self.serving = Some((stop, task));
    }

    /// The value of `AMPLITUDE_URL` for another server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on connections are refused.
    pub async fn go_down(&mut self) {
        let (stop, task) = self.serving.take().unwrap();
        stop.cancel();
        task.await.unwrap();
    }

    pub async fn come_back(&mut self) {
        let address = self.address;
        let listener = until("the collector's port is free", async || {
            TcpListener::bind(address).await.ok()
        })
        .await;
        self.serve_on(listener).await;
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self
            .client
            .get(format!("http://{}{path}", self.address))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Status, content type and body of an upload that does not go through the server.
    pub async fn upload(&self, batch: &Value) -> (u16, Option<String>, Vec<u8>) {
        let url = format!("http://{}/2/httpapi", self.address);
        let answer = self.client.post(url).json(batch).send().await.unwrap();
        let content_type = answer.headers().get("content-type");
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        (
            answer.status().as_u16(),
            content_type,
            answer.bytes().await.unwrap().to_vec(),
        )
    }

    /// Sets the fault switches.
    pub async fn break_with(&self, faults: Value) {
        let url = format!("http://{}/local/faults", self.address);
        let answer = self.client.post(url).json(&faults).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{faults}: {}",
            answer.text().await.unwrap()
        );
    }

    /// Every event of a user, in the order in which they were taken in.
    pub async fn events_of(&self, user: &str) -> Vec<Value> {
        let found = self.get(&format!("/local/events?user={user}&limit=1000")).await;
        found["events"].as_array().unwrap().clone()
    }

    /// The user's only event of that name, as soon as it has arrived.
    pub async fn event(&self, user: &str, name: &str) -> Value {
        let mut named = until(&format!("{name} of {user}"), async || {
            let mut events = self.events_of(user).await;
            events.retain(|event| event["event_type"] == name);
            (!events.is_empty()).then_some(events)
        })
        .await;
        assert_eq!(named.len(), 1, "{named:?}");
        named.remove(0)
    }

    /// Every arrival, refused ones and repeats included.
    pub async fn deliveries(&self) -> Vec<Value> {
        self.get("/local/raw?limit=1000").await["deliveries"]
            .as_array()
            .unwrap()
            .clone()
    }
}
