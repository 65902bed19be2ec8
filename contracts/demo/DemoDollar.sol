// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IERC3009} from "../interfaces/IERC3009.sol";

/// @title DemoDollar
/// @notice Settlement token of local networks: 6 decimals, EIP-2612 and EIP-3009, anyone may mint.
contract DemoDollar is ERC20Permit, IERC3009 {
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,"
        "uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    mapping(address from => mapping(bytes32 nonce => bool used)) private _used;

    /// @notice The authorization is not for this caller, not now, used or not signed by `from`.
    error DemoDollarBadAuthorization(address from, bytes32 nonce);

    constructor() ERC20("Demo Dollar", "DUSD") ERC20Permit("Demo Dollar") {}

    /// @notice Makes tokens out of nothing.
    /// @param to Recipient.
    /// @param amount Base units.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @inheritdoc IERC3009
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(RECEIVE_TYPEHASH, from, to, value, validAfter, validBefore, nonce))
        );
        require(
            to == msg.sender &&
                block.timestamp > validAfter &&
                block.timestamp < validBefore &&
                !_used[from][nonce] &&
                ECDSA.recover(digest, v, r, s) == from,
            DemoDollarBadAuthorization(from, nonce)
        );
        _used[from][nonce] = true;
        _transfer(from, to, value);
    }

    /// @inheritdoc ERC20
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
