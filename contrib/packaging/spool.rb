# spool.rb: the Homebrew formula.
class Spool < Formula
  desc "Soak up a whole stream, then send it on or replace a file by it"
  homepage "https://example.org/spool"
  url "https://example.org/spool/spool-0.1.0.tar.gz"
  # There is no release yet; the sum of its tarball goes here: shasum -a 256 spool-0.1.0.tar.gz
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "ISC"

  depends_on "pkgconf" => :build
  depends_on "libbsd"
  # It is written to build on macOS, but no test has run there.
  depends_on :linux

  def install
    system "./configure", "--enable-shared-libbsd", *std_configure_args
    system "make", "install"
  end

  test do
    assert_equal "2\n1\n", pipe_output("#{bin}/spool tac", "1\n2\n")
    (testpath/"list").write "b\na\n"
    system "sort list | #{bin}/spool -o list"
    assert_equal "a\nb\n", (testpath/"list").read
  end
end
