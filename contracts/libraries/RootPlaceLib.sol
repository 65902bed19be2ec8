// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOversight} from "../interfaces/IOversight.sol";
import {Mode} from "../interfaces/ITypes.sol";
import {MessageLib} from "./MessageLib.sol";
import {PlaceLib} from "./PlaceLib.sol";

/// @title RootPlaceLib
/// @notice Reads where a group stands under a root that members signed, whether the root was settled or not.
/// @dev `protocol/oversight.ts` writes it. Lengths do not stand in it: they follow from the number of groups and the
/// group's index. Roots of net batches are made otherwise and have no such places.
library RootPlaceLib {
    /// @notice A group under a root.
    /// @param root The root.
    /// @param hash Struct hash of the group's tally.
    /// @param segment Hash of its receipts' bytes.
    /// @param tally What else its worker signed.
    struct Leaf {
        bytes32 root;
        bytes32 hash;
        bytes32 segment;
        PlaceLib.Tally tally;
    }

    /// @notice `mode (1) ‖ [hash of the blobs (32), unless mode is 0] ‖ groups (4) ‖ index (4) ‖ segment (32) ‖
    /// tally (44) ‖ hashes of the other groups of its chunk of 8 ‖ Merkle path of the chunk`.
    function read(bytes calldata place) internal pure returns (Leaf memory leaf) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := place.offset
        }
        uint256 end = offset + place.length;
        uint256 mode = _word(offset) >> 248;
        bytes32 blobs = 0;
        offset += 1;
        if (mode != uint256(Mode.Calldata)) {
            blobs = bytes32(_word(offset));
            offset += 32;
        }
        uint256 groups = _word(offset) >> 224;
        uint256 index = uint32(_word(offset) >> 192);
        require(mode < uint256(Mode.Net) && index < groups, IOversight.OversightMalformedPlace(place.length));
        leaf.segment = bytes32(_word(offset + 8));
        PlaceLib.Tally memory tally;
        (tally, offset) = PlaceLib.readTally(offset + 40);
        leaf.tally = tally;
        leaf.hash = MessageLib.tallyHash(
            tally.dealKey,
            tally.stream,
            tally.first,
            tally.count,
            tally.units,
            leaf.segment
        );
        bytes32 top;
        (top, offset) = PlaceLib.groupsRoot(leaf.hash, index, groups, offset);
        require(offset == end, IOversight.OversightMalformedPlace(place.length));
        leaf.root = keccak256(abi.encode(mode, groups, top, blobs));
    }

    function _word(uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(offset)
        }
    }
}
