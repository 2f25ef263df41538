// Command verify-log checks a log that lies in a folder, with nothing but golang.org/x/mod/sumdb: the signature of each
// checkpoint, the hash of every leaf, the inclusion of every entry, and that each checkpoint continues the one before.
//
//	verify-log FOLDER KEY CHECKPOINT...
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: verify-log FOLDER KEY CHECKPOINT...")
	}
	folder := args[0]
	var trees []tlog.Tree
	for _, file := range args[2:] {
		tree, err := readCheckpoint(file, args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		trees = append(trees, tree)
	}
	newest := trees[len(trees)-1]
	// Tiles are read, and checked against the signed root, by tlog itself.
	hashes := tlog.TileHashReader(newest, tiles{folder, newest.N})
	for _, older := range trees[:len(trees)-1] {
		if older.N > newest.N {
			return fmt.Errorf("the newest checkpoint has %d entries, and one before it had %d", newest.N, older.N)
		}
		proof, err := tlog.ProveTree(newest.N, older.N, hashes)
		if err != nil {
			return fmt.Errorf("tiles between sizes %d and %d: %w", older.N, newest.N, err)
		}
		if err := tlog.CheckTree(proof, newest.N, newest.Hash, older.N, older.Hash); err != nil {
			return fmt.Errorf("size %d is not the beginning of size %d: %w", older.N, newest.N, err)
		}
	}
	for index := int64(0); index < newest.N; {
		entries, err := readBundle(folder, index/256, newest.N)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			proof, err := tlog.ProveRecord(newest.N, index, hashes)
			if err != nil {
				return fmt.Errorf("tiles above entry %d: %w", index, err)
			}
			if err := tlog.CheckRecord(proof, newest.N, newest.Hash, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
			index++
		}
	}
	fmt.Printf("verified %d entries and %d checkpoints\n", newest.N, len(trees))
	return nil
}

// readCheckpoint opens the note by its key; the origin, the size and the root are its first three lines.
func readCheckpoint(file, key string) (tlog.Tree, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("the note is no checkpoint of %s", verifier.Name())
	}
	var tree tlog.Tree
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil {
		return tlog.Tree{}, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

type tiles struct {
	folder string
	size   int64
}

func (t tiles) Height() int { return height }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.folder, pathOf(tile)))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

// pathOf is the path of tlog-tiles: that of sumdb without the height.
func pathOf(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func readBundle(folder string, n, size int64) ([][]byte, error) {
	width := min(256, size-n*256)
	tile := tlog.Tile{H: height, L: 0, N: n, W: int(width)}
	path := strings.Replace(pathOf(tile), "tile/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(folder, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends in the middle of an entry", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if int64(len(entries)) != width {
		return nil, fmt.Errorf("%s has %d entries, not %d", path, len(entries), width)
	}
	return entries, nil
}
