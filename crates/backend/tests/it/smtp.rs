//! Tests of mails over SMTP: the real client against a server that records its input.

use std::sync::{Arc, Mutex};

use backend::mail::{MAX_ATTEMPTS, Sender, SmtpTransport};
use db::testing::engines;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{DAY, Store};

/// The server's record, and its scripted replies to the next RCPT commands.
#[derive(Default)]
struct ServerState {
    recipients: Vec<String>,
    messages: Vec<String>,
    replies: Vec<&'static str>,
}

#[derive(Clone)]
struct Server {
    url: String,
    state: Arc<Mutex<ServerState>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(ServerState::default()));
        let server = Self {
            url,
            state: state.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_connection(stream, state.clone()));
            }
        });
        server
    }

    /// Scripts the replies to the next RCPT commands.
    fn script(&self, replies: &[&'static str]) {
        self.state.lock().unwrap().replies = replies.iter().rev().copied().collect();
    }

    fn messages(&self) -> Vec<String> {
        self.state.lock().unwrap().messages.clone()
    }

    fn sender(&self, store: &Store) -> Sender {
        let smtp = SmtpTransport::new(&self.url.clone().into(), "post@demo.example").unwrap();
        Sender::new(
            store.test.db.clone(),
            store.clock.clone(),
            Arc::new(smtp),
            "https://demo.example".parse().unwrap(),
            store.accounts.mail_wakeup(),
        )
    }
}

/// Serves one connection with the part of RFC 5321 that the client uses.
async fn serve_connection(stream: TcpStream, state: Arc<Mutex<ServerState>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let command = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let reply = match command.as_str() {
            "EHLO" => "250 test",
            "MAIL" | "RSET" => "250 ok",
            "RCPT" => {
                let mut state = state.lock().unwrap();
                state.recipients.push(line.clone());
                state.replies.pop().unwrap_or("250 ok")
            }
            "DATA" => {
                write.write_all(b"354 start input\r\n").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    message.push_str(&line);
                    message.push('\n');
                }
                state.lock().unwrap().messages.push(message);
                "250 accepted"
            }
            "QUIT" => "221 bye",
            _ => "502 unknown command",
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_sent_mail_is_erased() {
    for engine in engines() {
        let (store, server) = (Store::new(engine).await, Server::start().await);
        store.sign_up("ada@example.com").await;
        server.sender(&store).drain().await.unwrap();
        let messages = server.messages();
        let [message] = &messages[..] else {
            panic!("one message: {messages:?}")
        };
        for header in [
            "From: Seamline <post@demo.example>",
            "To: ada@example.com",
            "Subject: Confirm your email address",
            "Content-Type: multipart/alternative",
            "@demo.example>",
        ] {
            assert!(message.contains(header), "{engine:?}: {header} in {message}");
        }
        // Quoted-printable breaks long lines.
        let whole = message.replace("=\n", "");
        assert!(whole.contains("https://demo.example/verify/"), "{whole}");
        assert_eq!(
            store
                .count("mails WHERE state = 'sent' AND recipient IS NULL AND letter IS NULL")
                .await,
            1
        );

        server.sender(&store).drain().await.unwrap();
        assert_eq!(server.messages().len(), 1, "{engine:?}: sent once");
    }
}

#[tokio::test]
async fn case_18_a_mail_to_an_international_host_is_sent_to_its_ascii_form() {
    let (store, server) = (Store::new(db::Engine::Sqlite).await, Server::start().await);
    store.sign_up("ada@bücher.example").await;
    server.sender(&store).drain().await.unwrap();
    let recipients = server.state.lock().unwrap().recipients.clone();
    assert_eq!(recipients.len(), 1);
    assert!(
        recipients[0].contains("<ada@xn--bcher-kva.example>"),
        "{recipients:?}"
    );
}

#[tokio::test]
async fn a_temporary_error_is_retried_with_a_new_link() {
    for engine in engines() {
        let (store, server) = (Store::new(engine).await, Server::start().await);
        store.sign_up("ada@example.com").await;
        server.script(&["451 busy with ada@example.com", "451 busy"]);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(server.messages().len(), 0);
        let error = "SELECT last_error FROM mails";
        assert_eq!(
            store.texts(error).await,
            ["the SMTP server answered 451"],
            "{engine:?}: the error contains no address"
        );

        store.clock.advance(14_999);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(
            store.number("SELECT attempts FROM mails").await,
            1,
            "{engine:?}: too soon"
        );
        store.clock.advance(1);
        server.sender(&store).drain().await.unwrap();
        store.clock.advance(30_000);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(server.messages().len(), 1, "{engine:?}");
        assert_eq!(
            store.count("mails WHERE state = 'sent' AND attempts = 3").await,
            1
        );
        assert_eq!(store.count("mail_tokens WHERE used_at IS NULL").await, 3);
    }
}

#[tokio::test]
async fn an_unknown_address_is_parked_at_once_and_other_refusals_are_retried() {
    for engine in engines() {
        let (store, server) = (Store::new(engine).await, Server::start().await);
        store.sign_up("ada@example.com").await;
        server.script(&["550 no such user ada@example.com"]);
        server.sender(&store).drain().await.unwrap();
        let parked = "mails WHERE state = 'parked' AND recipient IS NULL AND parked_reason = 'the SMTP server answered 550'";
        assert_eq!(store.count(parked).await, 1, "{engine:?}");

        store.sign_up("bob@example.com").await;
        let refusals = ["530 authentication required"; 20];
        server.script(&refusals);
        for attempt in 1..=MAX_ATTEMPTS {
            server.sender(&store).drain().await.unwrap();
            let waiting = store.count("mails WHERE state = 'pending'").await;
            assert_eq!(
                waiting,
                i64::from(attempt < MAX_ATTEMPTS),
                "{engine:?}: attempt {attempt}"
            );
            store.clock.advance(DAY);
        }
        assert_eq!(store.count("mails WHERE state = 'parked'").await, 2);
        assert_eq!(server.messages().len(), 0);
    }
}

#[tokio::test]
async fn an_unreachable_server_loses_no_mail() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let closed_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server = Server::start().await;
        let reachable_url = std::mem::replace(
            &mut server.url,
            format!("smtp://{}", closed_listener.local_addr().unwrap()),
        );
        drop(closed_listener);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(
            store.texts("SELECT last_error FROM mails").await,
            ["the SMTP server was not reached"]
        );
        server.url = reachable_url;
        store.clock.advance(15_000);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(server.messages().len(), 1, "{engine:?}");
    }
}
