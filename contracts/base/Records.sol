// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title Records
/// @notice What is kept of settled batches and groups, so that it can be opened later.
/// @dev Attested batches stand in the ring of their interval, forced and acknowledged groups with their own stream: no
/// outsider can fill or push out either.
abstract contract Records {
    uint256 internal constant INTERVAL = 900;
    uint256 internal constant INTERVALS = 512;
    uint256 private constant MAX_PER_INTERVAL = type(uint8).max;

    /// @dev chain (27 bytes) ‖ time (5)
    mapping(uint256 number => uint256 word) internal _records;
    /// @dev chain (26 bytes) ‖ interval (4) ‖ count (2)
    mapping(uint256 slot => uint256 word) internal _ring;

    /// @notice Chains an attested batch in the interval of `now_`.
    function _chain(bytes32 root, bytes32 factsRoot, uint256 now_) internal {
        uint256 interval = now_ / INTERVAL;
        uint256 word = _ring[interval % INTERVALS];
        if (uint32(word >> 16) != interval) word = 0;
        uint256 count = uint16(word) + 1;
        require(count <= MAX_PER_INTERVAL, ISettlement.SettlementIntervalFull(interval));
        bytes26 chain = bytes26(keccak256(abi.encodePacked(bytes26(bytes32(word)), root, factsRoot, uint32(now_))));
        _ring[interval % INTERVALS] = uint256(bytes32(chain)) | (interval << 16) | count;
    }
}
