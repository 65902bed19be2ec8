// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Who may attest in one epoch, in one word.
/// | bits | field | unit |
/// |---|---|---|
/// | 224..255 | number | the first epoch is 1 |
/// | 64..223 | page | code page of the members' signers, see {CommitteePages} |
/// | 56..63 | threshold | signatures an attestation needs |
/// | 48..55 | members | 1 to 32 |
/// | 8..47 | until | last second of block time at which it attests; 0 while no other epoch replaced it |
/// | 0..7 | unused | |
type Epoch is uint256;

using EpochLib for Epoch global;

/// @title EpochLib
/// @notice Reads and makes {Epoch}.
library EpochLib {
    function pack(uint32 number_, address page_, uint8 threshold_, uint8 members_) internal pure returns (Epoch) {
        return
            Epoch.wrap(
                (uint256(number_) << 224) |
                    (uint256(uint160(page_)) << 64) |
                    (uint256(threshold_) << 56) |
                    (uint256(members_) << 48)
            );
    }

    function number(Epoch self) internal pure returns (uint256) {
        return Epoch.unwrap(self) >> 224;
    }

    function page(Epoch self) internal pure returns (address) {
        return address(uint160(Epoch.unwrap(self) >> 64));
    }

    function threshold(Epoch self) internal pure returns (uint256) {
        return uint8(Epoch.unwrap(self) >> 56);
    }

    function members(Epoch self) internal pure returns (uint256) {
        return uint8(Epoch.unwrap(self) >> 48);
    }

    function until(Epoch self) internal pure returns (uint256) {
        return uint40(Epoch.unwrap(self) >> 8);
    }

    /// @dev Of an epoch that no other one replaced yet. Assumes `until_` < 2^40.
    function endedBy(Epoch self, uint256 until_) internal pure returns (Epoch) {
        return Epoch.wrap(Epoch.unwrap(self) | (until_ << 8));
    }
}
