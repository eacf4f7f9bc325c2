//! The `girih` command. Everything is in the library beside it, where tests reach it.

fn main() -> std::process::ExitCode {
    girih_cli::main()
}
