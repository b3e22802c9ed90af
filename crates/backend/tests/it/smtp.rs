//! Mails over SMTP: the real client, and a server that writes down what it is told.

use std::sync::{Arc, Mutex};

use backend::mail::{MAX_ATTEMPTS, Sender, Smtp};
use db::testing::engines;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{DAY, Store};

/// What the server heard, and what it says to the next recipients.
#[derive(Default)]
struct Heard {
    recipients: Vec<String>,
    messages: Vec<String>,
    answers: Vec<&'static str>,
}

#[derive(Clone)]
struct Server {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Heard::default()));
        let server = Self {
            url,
            heard: heard.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak(stream, heard.clone()));
            }
        });
        server
    }

    /// The next recipients are answered so.
    fn answer(&self, answers: &[&'static str]) {
        self.heard.lock().unwrap().answers = answers.iter().rev().copied().collect();
    }

    fn messages(&self) -> Vec<String> {
        self.heard.lock().unwrap().messages.clone()
    }

    fn sender(&self, store: &Store) -> Sender {
        let smtp = Smtp::new(&self.url.clone().into(), "post@demo.example").unwrap();
        Sender::new(
            store.test.db.clone(),
            store.clock.clone(),
            Arc::new(smtp),
            "https://demo.example".parse().unwrap(),
            store.accounts.mails_written(),
        )
    }
}

/// RFC 5321, as much of it as a client needs.
async fn speak(stream: TcpStream, heard: Arc<Mutex<Heard>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250 test",
            "MAIL" | "RSET" => "250 ok",
            "RCPT" => {
                let mut heard = heard.lock().unwrap();
                heard.recipients.push(line.clone());
                heard.answers.pop().unwrap_or("250 ok")
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    message.push_str(&line);
                    message.push('\n');
                }
                heard.lock().unwrap().messages.push(message);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "502 what?",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_leaves_and_is_forgotten() {
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
            "Subject: Confirm your e-mail address",
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
        assert_eq!(server.messages().len(), 1, "{engine:?}: once");
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_later_and_the_link_of_each_attempt_works() {
    for engine in engines() {
        let (store, server) = (Store::new(engine).await, Server::start().await);
        store.sign_up("ada@example.com").await;
        server.answer(&["451 busy with ada@example.com", "451 busy"]);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(server.messages().len(), 0);
        let error = "SELECT last_error FROM mails";
        assert_eq!(
            store.texts(error).await,
            ["the SMTP server answered 451"],
            "{engine:?}: nobody is named"
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
async fn an_address_that_does_not_exist_is_given_up_and_a_server_that_refuses_us_is_not() {
    for engine in engines() {
        let (store, server) = (Store::new(engine).await, Server::start().await);
        store.sign_up("ada@example.com").await;
        server.answer(&["550 no such user ada@example.com"]);
        server.sender(&store).drain().await.unwrap();
        let parked = "mails WHERE state = 'parked' AND recipient IS NULL AND last_error = 'the SMTP server answered 550'";
        assert_eq!(store.count(parked).await, 1, "{engine:?}");

        store.sign_up("bob@example.com").await;
        let refusals = ["530 who are you?"; 20];
        server.answer(&refusals);
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
async fn a_server_that_is_not_there_loses_nothing() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server = Server::start().await;
        let there = std::mem::replace(
            &mut server.url,
            format!("smtp://{}", nowhere.local_addr().unwrap()),
        );
        drop(nowhere);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(
            store.texts("SELECT last_error FROM mails").await,
            ["the SMTP server was not reached"]
        );
        server.url = there;
        store.clock.advance(15_000);
        server.sender(&store).drain().await.unwrap();
        assert_eq!(server.messages().len(), 1, "{engine:?}");
    }
}
