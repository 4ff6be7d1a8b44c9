// Command interop reads a log of ours the way Go's checksum database client reads its own, and
// checks with golang.org/x/mod what we proved about it.
//
// Usage: interop <directory> <verifier key>
//
// The directory holds the log in the layout of c2sp.org/tlog-tiles, and two lists of our proofs,
// all hashes in hex: inclusion.txt, a line for each proof of a record (index, then the path), and
// consistency.txt, a line for each smaller tree (size, root, then the path). For each line Go
// makes its own proof from tiles that it authenticates, and checks ours.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// directory is a tlog.TileReader over a log in the tlog-tiles layout.
type directory string

func (dir directory) Height() int { return tileHeight }

func (dir directory) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	contents := make([][]byte, len(tiles))
	for i, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(string(dir), tilePath(tile)))
		if err != nil {
			return nil, err
		}
		contents[i] = content
	}
	return contents, nil
}

// tilePath returns where tlog-tiles puts a tile. The checksum database writes the height into
// the path and calls level -1 "data"; tlog-tiles fixes the height and says "entries".
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

// record returns an entry from its bundle.
func (dir directory) record(index, size int64) ([]byte, error) {
	bundle := tlog.Tile{H: tileHeight, L: -1, N: index / tileWidth, W: tileWidth}
	if end := (bundle.N + 1) * tileWidth; end > size {
		bundle.W = int(size - bundle.N*tileWidth)
	}
	rest, err := os.ReadFile(filepath.Join(string(dir), tilePath(bundle)))
	if err != nil {
		return nil, err
	}
	for at := bundle.N * tileWidth; len(rest) >= 2; at++ {
		length := int(binary.BigEndian.Uint16(rest))
		if len(rest) < 2+length {
			break
		}
		if at == index {
			return rest[2 : 2+length], nil
		}
		rest = rest[2+length:]
	}
	return nil, fmt.Errorf("bundle %s has no record %d", tilePath(bundle), index)
}

func openCheckpoint(data []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("not a root: %q", lines[2])
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// line is a number and the hashes after it.
type line struct {
	number int64
	hashes []tlog.Hash
}

func readLines(path string) ([]line, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []line
	for scanner := bufio.NewScanner(bytes.NewReader(data)); scanner.Scan(); {
		fields := strings.Fields(scanner.Text())
		number, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, err
		}
		var hashes []tlog.Hash
		for _, field := range fields[1:] {
			raw, err := hex.DecodeString(field)
			if err != nil || len(raw) != tlog.HashSize {
				return nil, fmt.Errorf("%s: not a hash: %q", path, field)
			}
			hashes = append(hashes, tlog.Hash(raw))
		}
		lines = append(lines, line{number, hashes})
	}
	return lines, nil
}

func (dir directory) checkInclusion(tree tlog.Tree, ours line) error {
	data, err := dir.record(ours.number, tree.N)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(tree.N, ours.number, tlog.TileHashReader(tree, dir))
	if err != nil {
		return err
	}
	if !slices.Equal(proof, ours.hashes) {
		return fmt.Errorf("record %d: Go proves it otherwise", ours.number)
	}
	return tlog.CheckRecord(ours.hashes, tree.N, tree.Hash, ours.number, tlog.RecordHash(data))
}

func (dir directory) checkConsistency(tree tlog.Tree, ours line) error {
	reader := tlog.TileHashReader(tree, dir)
	root, err := tlog.TreeHash(ours.number, reader)
	if err != nil {
		return err
	}
	if root != ours.hashes[0] {
		return fmt.Errorf("tree of %d records: Go computes another root", ours.number)
	}
	proof, err := tlog.ProveTree(tree.N, ours.number, reader)
	if err != nil {
		return err
	}
	if !slices.Equal(proof, ours.hashes[1:]) {
		return fmt.Errorf("tree of %d records: Go proves its growth otherwise", ours.number)
	}
	return tlog.CheckTree(ours.hashes[1:], tree.N, tree.Hash, ours.number, root)
}

func run(dir directory, vkey string) error {
	data, err := os.ReadFile(filepath.Join(string(dir), "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, vkey)
	if err != nil {
		return err
	}
	for name, check := range map[string]func(tlog.Tree, line) error{
		"inclusion.txt":   dir.checkInclusion,
		"consistency.txt": dir.checkConsistency,
	} {
		lines, err := readLines(filepath.Join(string(dir), name))
		if err != nil {
			return err
		}
		for _, ours := range lines {
			if err := check(tree, ours); err != nil {
				return err
			}
		}
		fmt.Println(name, len(lines))
	}
	return nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: interop <directory> <verifier key>")
	}
	if err := run(directory(os.Args[1]), os.Args[2]); err != nil {
		log.Fatal(err)
	}
	fmt.Println("OK")
}
